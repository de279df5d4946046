import Encoding
import HTTP

/// Bodies of requests.
enum JSONBody {
    static let bytesMax = 64 * 1024
    static let depthMax = 16

    /// - Throws: where it is not a JSON object of at most `bytesMax`, sent as `application/json`.
    static func read(_ request: Request) async throws(Refusal) -> JSONObject {
        // What a page may send to another origin without asking first is refused, a missing type included.
        guard let text = request.header("Content-Type"), let type = MediaType(parsing: text),
            type.essence == "application/json", type["charset"].map({ $0.lowercased() == "utf-8" }) ?? true
        else { throw .mediaType }
        let bytes: [UInt8]
        do throws(BodyError) {
            bytes = try await request.body.collect(upTo: bytesMax)
        } catch {
            throw .body(error)
        }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONReader.parse(bytes, limits: JSONLimits(bytesMax: bytesMax, depthMax: depthMax))
        } catch {
            throw .invalid("The body is not JSON: \(error).")
        }
        guard let object = value.object else { throw .invalid("The body must be a JSON object, not \(value.typeName).") }
        return object
    }

    /// The body as a value. A member that was not asked for is a problem; all problems are told at once.
    static func read<Output>(_ request: Request, _ body: (ObjectReader) -> Output?) async throws(Refusal) -> Output {
        let object = try await read(request)
        do throws(FieldProblems) {
            return try ObjectReader.read(.object(object), body)
        } catch {
            throw .invalidFields(error.problems)
        }
    }
}
