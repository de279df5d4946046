import Encoding
import Testing

/// A request of the contract with the answer that it must get.
struct ExecutedExample: Sendable, CustomTestStringConvertible {
    enum Token: String, Sendable {
        case validator, auditor, none
    }

    struct Expectation: Sendable {
        let status: Int
        /// nil where the answer is no decision.
        let decision: String?
        let reasons: [String]
        /// Whether there is a `Link`; nil where it does not matter.
        let link: Bool?
    }

    let operationID: String
    let name: String
    let method: String
    let path: String
    let query: [(name: String, value: String)]
    let fields: [String: String]
    let parts: [FormPart]
    let body: [UInt8]
    let token: Token
    let expected: Expectation

    var testDescription: String { "\(operationID): \(name)" }

    init(_ node: YAMLNode, operation: String, method: String, path: String) throws {
        operationID = operation
        name = try node["name"].needed("name of an example of \(operation)")
        self.method = method
        self.path = path
        let request = node["request"]
        query = try (request?["query"]).elements.map { pair in
            let words = pair.sequence?.compactMap(\.text) ?? []
            try #require(words.count == 2, "a parameter is a name and a value")
            return (words[0], words[1])
        }
        var fields = Dictionary(
            uniqueKeysWithValues: (request?["headers"]).entries.map { ($0.key, $0.value.text ?? "") })
        parts = try (request?["parts"]).elements.map(FormPart.init)
        if parts.isEmpty {
            body = try request?.content(under: "body") ?? []
            fields["Content-Type"] = request?["contentType"]?.text
        } else {
            let form = FormBody(parts)
            body = form.bytes
            fields["Content-Type"] = form.contentType
        }
        self.fields = fields
        token = try #require(Token(rawValue: try node["token"].needed("token of \(name)")))
        let expect = node["expect"]
        expected = Expectation(
            status: try #require(expect?["status"]?.int, "\(name) expects no status"),
            decision: expect?["decision"]?.text, reasons: (expect?["reasons"]).elements.compactMap(\.text),
            link: expect?["link"]?.bool)
    }

    /// The path with the query, percent-encoded.
    var target: String {
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\($0.name)=\(encoded($0.value))" }.joined(separator: "&")
    }

    func parameter(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// Of the path; nil where it belongs to none.
    var scenario: String? {
        switch operationID {
        case "validateMigration": "T1"
        case "validateReplication", "validateReplicationReference": "T2"
        default: nil
        }
    }

    private func encoded(_ value: String) -> String {
        value.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                String(UnicodeScalar(byte))
            default: "%" + Hex.encode([byte])
            }
        }.joined()
    }
}

extension FormPart {
    init(_ node: YAMLNode) throws {
        self.init(
            name: try node["name"].needed("name of a part"), filename: node["filename"]?.text,
            contentType: node["contentType"]?.text,
            content: try #require(try node.content(under: "content"), "a part has no content"))
    }
}
