import Encoding
import HTTP
import ServiceKit

/// An error as a client is told of it.
struct APIError: Sendable {
    var status: HTTPStatus
    var code: ErrorCode
    /// For people. No stack, no SQL, no path, no secret.
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

    /// The one shape of all error bodies.
    func response(requestID: String) -> Response {
        var json = JSONWriter()
        json.beginObject()
        json.member("code", code.rawValue)
        json.member("message", message)
        json.member("request_id", requestID)
        encodeDetails(to: &json)
        json.endObject()
        var response = Response(status, contentType: JSONAnswer.contentType, json.finish())
        if let retryAfter { response.fields.set("Retry-After", "\(retryAfter)") }
        response.closesConnection = closesConnection
        return response
    }

    /// As one of several reasons in a preview.
    func encodeViolation(to json: inout JSONWriter) {
        json.beginObject()
        json.member("code", code.rawValue)
        json.member("message", message)
        encodeDetails(to: &json)
        json.endObject()
    }

    private func encodeDetails(to json: inout JSONWriter) {
        guard !details.isEmpty else { return }
        json.key("details")
        json.beginObject()
        for (name, value) in details { json.member(name, value) }
        json.endObject()
    }
}

/// Bodies of successful answers.
enum JSONAnswer {
    static let contentType = "application/json; charset=utf-8"

    static func response(_ status: HTTPStatus, _ body: [UInt8], _ context: RequestContext) -> Response {
        var response = Response(status, contentType: contentType, body)
        response.describeLimit(context)
        return response
    }
}
