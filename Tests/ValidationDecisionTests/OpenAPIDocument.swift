import Encoding
import Foundation
import TestSupport
import Testing

@testable import ServiceKit

/// `contracts/validation-decision.openapi.yaml` as the tests need it.
struct OpenAPIDocument: Sendable {
    let root: YAMLNode
    /// In the order of the file.
    let operations: [Operation]
    /// What the object store holds for the examples.
    let objects: [ExampleObject]

    /// One method of one path.
    struct Operation: Sendable {
        let method: String
        let path: String
        let operationID: String
        let security: RouteDescription.Security
        let responses: [Int: DeclaredResponse]
        /// Names of the query parameters.
        let parameters: [String]
        let examples: [ExecutedExample]

        /// What the route table has to say as well.
        var description: RouteDescription {
            RouteDescription(
                method: method, pattern: path, operationID: operationID, security: security,
                statuses: responses.keys.sorted())
        }
    }

    /// What the contract says about a response.
    struct DeclaredResponse: Sendable {
        /// By media type.
        let schemas: [String: YAMLNode]
        let headers: [(name: String, isRequired: Bool, schema: YAMLNode)]
    }

    static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../contracts/validation-decision.openapi.yaml").standardizedFileURL

    /// Read once.
    static let shared = Result { try OpenAPIDocument(bytes: [UInt8](Data(contentsOf: file))) }

    static func load() throws -> OpenAPIDocument { try shared.get() }

    init(bytes: [UInt8]) throws {
        root = try YAMLReader.parse(bytes)
        operations = try OpenAPIDocument.operations(of: root)
        objects = try root["x-example-objects"].elements.map(ExampleObject.init)
    }

    /// What any request may be answered, by status.
    var responsesToAnyRequest: [Int: DeclaredResponse] {
        get throws { try OpenAPIDocument.responses(root["x-responses-to-any-request"], in: root) }
    }

    func schema(_ name: String) throws -> YAMLNode { try root.resolved("#/components/schemas/\(name)") }

    // MARK: Reading

    private static func operations(of root: YAMLNode) throws -> [Operation] {
        let isOpenByDefault = root["security"].elements.isEmpty
        return try root["paths"].entries.flatMap { path, methods in
            try Optional(methods).entries.map { method, node in
                let id = try node["operationId"].needed("operationId of \(method) \(path)")
                return Operation(
                    method: method.uppercased(), path: path, operationID: id,
                    security: security(of: node, isOpenByDefault: isOpenByDefault),
                    responses: try responses(node["responses"], in: root),
                    parameters: try node["parameters"].elements.map {
                        try $0.dereferenced(in: root)["name"].needed("name")
                    },
                    examples: try node["x-examples-executed"].elements.map {
                        try ExecutedExample($0, operation: id, method: method.uppercased(), path: path)
                    })
            }
        }
    }

    private static func security(of operation: YAMLNode, isOpenByDefault: Bool) -> RouteDescription.Security {
        let isOpen = operation["security"].map { $0.sequence?.isEmpty == true } ?? isOpenByDefault
        if isOpen { return .open }
        if let permission = operation["x-permission"]?.string { return .permission(permission) }
        return .authenticated
    }

    private static func responses(_ node: YAMLNode?, in root: YAMLNode) throws -> [Int: DeclaredResponse] {
        var responses: [Int: DeclaredResponse] = [:]
        for (status, reference) in node.entries {
            let response = try reference.dereferenced(in: root)
            let schemas = response["content"].entries.compactMap { type, media in media["schema"].map { (type, $0) } }
            let headers = try response["headers"].entries.map { name, reference in
                let header = try reference.dereferenced(in: root)
                let schema = try #require(header["schema"])
                return (name: name, isRequired: header["required"]?.bool == true, schema: schema)
            }
            responses[try #require(Int(status))] = DeclaredResponse(
                schemas: Dictionary(uniqueKeysWithValues: schemas), headers: headers)
        }
        return responses
    }
}

/// A file or object whose content stands in the contract.
struct ExampleObject: Sendable {
    let bucket: String
    let key: String
    let content: [UInt8]

    init(_ node: YAMLNode) throws {
        bucket = try node["bucket"].needed("bucket")
        key = try node["key"].needed("key")
        content = try #require(try node.content(under: "content"), "an object has no content")
    }
}

extension YAMLNode {
    /// Bytes given as text or, under the key with `Base64` behind it, encoded.
    func content(under key: String) throws -> [UInt8]? {
        if let text = self[key]?.text { return [UInt8](text.utf8) }
        guard let encoded = self[key + "Base64"]?.text else { return nil }
        let decoded: [UInt8] = try #require(Base64.decode(encoded), "\(key)Base64 is no base64")
        return decoded
    }
}

extension YAMLNode? {
    /// Nothing where there is no sequence.
    var elements: [YAMLNode] { self?.sequence ?? [] }

    /// Nothing where there is no mapping.
    var entries: [(key: String, value: YAMLNode)] { self?.mapping?.entries.map { ($0.key.text, $0.value) } ?? [] }

    func needed(_ what: String) throws -> String { try #require(self?.text, "the contract lacks \(what)") }
}
