import Encoding
import HTTP

/// Guard 7: the body is a JSON object.
enum JSONBody {
    static let bytesMax = 64 * 1024
    static let depthMax = 32

    /// - Parameter allowsEmpty: no body means an empty object.
    static func read(_ request: Request, allowsEmpty: Bool = false) async throws(Refusal) -> JSONObject {
        try checkMediaType(request)
        let bytes: [UInt8]
        do throws(BodyError) {
            bytes = try await request.body.collect(upTo: bytesMax)
        } catch {
            throw .body(error)
        }
        if bytes.isEmpty, allowsEmpty { return JSONObject() }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONReader.parse(bytes, limits: JSONLimits(bytesMax: bytesMax, depthMax: depthMax))
        } catch {
            throw .invalid("The body is not JSON: \(error).")
        }
        guard let object = value.object else { throw .invalid("The body must be a JSON object, not \(value.typeName).") }
        return object
    }

    /// A missing Content-Type is JSON.
    private static func checkMediaType(_ request: Request) throws(Refusal) {
        guard let text = request.header("Content-Type"), !text.isEmpty else { return }
        guard let type = MediaType(parsing: text), type.essence == "application/json" else { throw .mediaType }
        if let charset = type["charset"], charset.lowercased() != "utf-8" { throw .mediaType }
    }
}
