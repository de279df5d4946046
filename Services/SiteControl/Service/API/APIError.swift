import Encoding
import HTTP
import ServiceKit

/// An error as a client is told of it: `{code, message, details?}`.
struct APIError: Sendable {
    var status: HTTPStatus
    var code: ErrorCode
    /// For people. No output of tools, no SQL, no path of the host, no secret.
    var message: String
    var details: [(name: StaticString, value: JSONValue)] = []
    /// Seconds.
    var retryAfter: Int?
    var closesConnection = false

    init(_ code: ErrorCode, status: HTTPStatus? = nil, _ message: String) {
        self.status = status ?? code.status
        self.code = code
        self.message = message
    }

    var response: Response {
        var json = JSONWriter()
        json.beginObject()
        json.member("code", code.rawValue)
        json.member("message", message)
        if !details.isEmpty {
            json.key("details")
            json.beginObject()
            for (name, value) in details { json.member(name, value) }
            json.endObject()
        }
        json.endObject()
        var response = Response(status, contentType: JSONAnswer.contentType, json.finish())
        if let retryAfter { response.fields.set("Retry-After", "\(retryAfter)") }
        response.closesConnection = closesConnection
        return response
    }
}

/// Bodies of successful answers.
enum JSONAnswer {
    static let contentType = "application/json; charset=utf-8"

    static func response(_ status: HTTPStatus, _ body: [UInt8]) -> Response {
        Response(status, contentType: contentType, body)
    }

    static func response(_ status: HTTPStatus, encoding value: some JSONEncodable) -> Response {
        var json = JSONWriter()
        value.encode(to: &json)
        return response(status, json.finish())
    }
}
