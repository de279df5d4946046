import Encoding
import TestSupport
import Testing

/// What the contract says about every response, held against one.
struct ResponseChecks {
    let document: OpenAPIDocument
    let response: TestResponse
    /// nil where it is no JSON.
    let json: JSONValue?

    init(_ response: TestResponse, _ document: OpenAPIDocument) throws {
        self.document = document
        self.response = response
        let isJSON = response.field("content-type") == "application/json"
        json = isJSON ? try JSONReader.parse(response.body) : Optional.none
    }

    var codes: [String] { json?["reasons"]?.array?.compactMap { $0["code"]?.string } ?? [] }

    /// Media type, schema and header fields are the declared ones.
    func matches(_ declared: OpenAPIDocument.DeclaredResponse) throws {
        let type = try #require(response.field("content-type"))
        let schema = try #require(
            declared.schemas.first { type == $0.key || type.hasPrefix($0.key + ";") }?.value, "\(type) is not declared")
        let check = SchemaCheck(root: document.root)
        if let json {
            #expect(check.problems(of: json, schema) == [], "\(response.text)")
        }
        for header in declared.headers {
            let value = response.field(header.name)
            if header.isRequired { #expect(value != nil, "\(header.name) is missing") }
            if let value {
                #expect(check.problems(of: .string(value), header.schema, at: header.name) == [])
            }
        }
    }

    /// The answer is a decision, its id is that of the header, and it has the reasons that are expected.
    func decides(_ decision: String, _ reasons: [String], scenario: String?) throws {
        let json = try #require(json, "\(response.text)")
        #expect(json["decision"]?.string == decision, "\(response.text)")
        #expect(codes == reasons, "\(response.text)")
        #expect((decision == "BLOCK") == !codes.isEmpty)
        #expect(json["scenario"]?.string == scenario)
        let id = try #require(json["request_id"]?.string)
        #expect(response.field("x-request-id") == id)
        #expect(UUID(id)?.version == 4)
    }
}
