import Encoding
import Foundation
import TestSupport
import Testing

@testable import ServiceKit

/// The contract of site-control: two OpenAPI files as one list of operations, under the paths that a request has.
struct SiteContract: Sendable {
    /// One of the files.
    struct Document: Sendable {
        let file: URL
        let root: YAMLNode
        /// What the paths of the file begin with: `/api`, or nothing.
        let base: String
    }

    /// One method of one path.
    struct Entry: Sendable {
        let document: Document
        /// As the route table has it.
        let description: RouteDescription
        /// As the file has it: without the base.
        let path: String
        let node: YAMLNode

        var operationID: String { description.operationID }
        var tag: String? { node["tags"]?.sequence?.first?.text }
    }

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../contracts").standardizedFileURL
    /// Of the working copy.
    static let root = folder.deletingLastPathComponent()

    /// Read once.
    static let shared = Result { try SiteContract() }

    let api: Document
    let admin: Document
    let entries: [Entry]

    var documents: [Document] { [api, admin] }

    private init() throws {
        api = try Document("site-control.openapi.yaml")
        admin = try Document("site-control-admin.openapi.yaml")
        entries = try api.entries() + admin.entries()
    }

    func entry(_ operationID: String) throws -> Entry {
        try #require(entries.first { $0.operationID == operationID }, "\(operationID) is not in the contract")
    }

    /// Words of an enumeration, wherever it stands.
    func words(_ name: String) -> [String] {
        documents.lazy.compactMap { $0.schema(name)?.words }.first { !$0.isEmpty } ?? []
    }

    // MARK: Answers

    /// What an answer breaks of the contract, one line each: a declared status, required fields, the declared schema.
    func problems(of response: TestResponse, to method: String, _ target: String) throws -> [String] {
        guard method != "OPTIONS" else { return [] }
        var problems = response.field("x-request-id") == nil ? ["no X-Request-Id"] : []
        let path = String(target.prefix { $0 != "?" })
        let entry = entry(method == "HEAD" ? "GET" : method, path)
        let document = entry?.document ?? api
        let status = "\(response.status)"
        guard let declared = entry?.node["responses"]?[status] ?? document.root["x-responses-to-any-request"]?[status] else {
            return problems + ["\(status) is not declared"]
        }
        let answer = try declared.dereferenced(in: document.root)
        for header in answer["headers"].entries {
            let rule = try header.value.dereferenced(in: document.root)
            guard let value = response.field(header.key) else {
                if rule["required"]?.bool == true { problems.append("no \(header.key)") }
                continue
            }
            if let schema = rule["schema"], schema["type"]?.text == "string" {
                problems += SchemaCheck(root: document.root).problems(of: .string(value), schema, at: header.key)
            }
        }
        if let entry, answer["content"]?["text/event-stream"] != nil, method != "HEAD" {
            return try problems + self.problems(ofEvents: response.text, of: entry)
        }
        guard let schema = answer["content"]?["application/json"]?["schema"], method != "HEAD" else { return problems }
        guard response.field("content-type")?.hasPrefix("application/json") == true else { return problems + ["is not JSON"] }
        let body = try JSONReader.parse(response.body, limits: JSONLimits(bytesMax: 64 << 20))
        problems += SchemaCheck(root: document.root).problems(of: body, schema)
        if let code = body["code"]?.string, let codes = answer["x-codes"]?.sequence?.compactMap(\.text), !codes.contains(code) {
            problems.append("\(code) is not a code of \(status)")
        }
        return problems
    }

    /// What a stream of server-sent events breaks: numbers that rise by one, declared kinds, declared data.
    func problems(ofEvents text: String, of entry: Entry) throws -> [String] {
        var problems: [String] = []
        var last: Int?
        for block in text.split(separator: "\n\n") {
            var fields: [Substring: Substring] = [:]
            for line in block.split(separator: "\n") where !line.hasPrefix(":") {
                let parts = line.split(separator: ": ", maxSplits: 1)
                if parts.count == 2 { fields[parts[0]] = parts[1] }
            }
            guard let data = fields["data"] else { continue }
            let number = fields["id"].flatMap { Int($0) }
            if number == nil || last.map({ $0 + 1 != number }) ?? false { problems.append("\(block): out of turn") }
            last = number
            guard let schema = entry.node["x-events"]?[String(fields["event"] ?? "")] else {
                problems.append("\(block): not a declared kind")
                continue
            }
            problems += SchemaCheck(root: entry.document.root).problems(of: try JSONReader.parse(Array(data.utf8)), schema)
        }
        return last == nil ? problems + ["no events"] : problems
    }

    /// A path of words goes before one with parameters.
    private func entry(_ method: String, _ path: String) -> Entry? {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        let matching = entries.filter { entry in
            let pattern = entry.description.pattern.split(separator: "/", omittingEmptySubsequences: false)
            return entry.description.method == method && pattern.count == segments.count
                && zip(pattern, segments).allSatisfy { $0 == $1 || ($0.hasPrefix("{") && !$1.isEmpty) }
        }
        return matching.first { $0.description.pattern == path } ?? matching.first
    }
}

extension SiteContract.Document {
    fileprivate init(_ name: String) throws {
        file = SiteContract.folder.appendingPathComponent(name)
        root = try YAMLReader.parse([UInt8](Data(contentsOf: file)))
        let bases = Set(
            (root["servers"]?.sequence ?? []).compactMap { $0["url"]?.text.flatMap { URL(string: $0)?.path } })
        base = try #require(bases.first, "\(name) names no server")
        try #require(bases.count == 1, "the servers of \(name) have different paths")
    }

    func schema(_ name: String) -> YAMLNode? { root["components"]?["schemas"]?[name] }

    fileprivate func entries() throws -> [SiteContract.Entry] {
        try root["paths"].entries.flatMap { path, methods in
            try Optional(methods).entries.map { method, node in
                let isOpen = node["security"]?.sequence?.isEmpty == true
                let permission = node["x-permission"]?.text
                let description = RouteDescription(
                    method: method.uppercased(), pattern: base + path,
                    operationID: try #require(node["operationId"]?.text, "\(method) \(path)"),
                    security: isOpen ? .open : permission.map { .permission($0) } ?? .authenticated,
                    statuses: node["responses"].entries.compactMap { Int($0.key) }.sorted())
                return SiteContract.Entry(document: self, description: description, path: path, node: node)
            }
        }
    }
}

extension YAMLNode {
    /// Of an enumeration.
    var words: [String] { self["enum"]?.sequence?.compactMap(\.text) ?? [] }

    /// What JSON says in its place.
    var json: JSONValue {
        switch content {
        case .mapping(let mapping):
            var object = JSONObject()
            for entry in mapping.entries { object[entry.key.text] = entry.value.json }
            return .object(object)
        case .sequence(let nodes): return .array(nodes.map(\.json))
        case .scalar(let scalar):
            switch scalar.kind {
            case .null: return .null
            case .bool: return .bool(scalar.bool ?? false)
            case .int: return .number(JSONNumber(scalar.int ?? 0))
            case .float: return .number(JSONNumber(scalar.double ?? 0) ?? JSONNumber(0))
            case .string: return .string(scalar.text)
            }
        }
    }
}

extension YAMLNode? {
    /// Nothing where there is no mapping.
    var entries: [(key: String, value: YAMLNode)] { self?.mapping?.entries.map { ($0.key.text, $0.value) } ?? [] }
}
