import Encoding
import Foundation
import TestSupport

/// Holds every answer that a test gets against the contract: a declared status, the declared schema, the fields that all have.
struct ContractCheck: Sendable {
    static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../contracts/deployment-control.openapi.yaml").standardizedFileURL

    /// Read once.
    static let shared = Result { ContractCheck(root: try YAMLReader.parse([UInt8](Data(contentsOf: file)))) }

    let root: YAMLNode

    /// One line each; none where the answer is as promised.
    func problems(of response: TestResponse, to method: String, _ target: String) throws -> [String] {
        guard method != "OPTIONS" else { return [] }
        var problems: [String] = []
        if response.field("x-request-id") == nil { problems.append("no X-Request-Id") }
        let path = String(target.prefix { $0 != "?" })
        let operation = operation(method == "HEAD" ? "get" : method.lowercased(), path)
        let status = "\(response.status)"
        guard let declared = operation?["responses"]?[status] ?? root["x-responses-to-any-request"]?[status] else {
            return problems + ["\(status) is not declared"]
        }
        let answer = try declared.dereferenced(in: root)
        for (name, header) in answer["headers"]?.mapping?.entries.map({ ($0.key.text, $0.value) }) ?? [] {
            let isRequired = try header.dereferenced(in: root)["required"]?.bool == true
            // What was never counted has no limit to tell of.
            if isRequired, response.field(name) == nil { problems.append("no \(name)") }
        }
        guard let schema = answer["content"]?["application/json"]?["schema"], method != "HEAD" else { return problems }
        guard response.field("content-type")?.hasPrefix("application/json") == true else { return problems + ["is not JSON"] }
        return problems + SchemaCheck(root: root).problems(of: try response.json, schema)
    }

    /// A path of words goes before one with parameters.
    private func operation(_ method: String, _ path: String) -> YAMLNode? {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        let matching = (root["paths"]?.mapping?.entries ?? []).filter { entry in
            let pattern = entry.key.text.split(separator: "/", omittingEmptySubsequences: false)
            return pattern.count == segments.count
                && zip(pattern, segments).allSatisfy { $0 == $1 || ($0.hasPrefix("{") && !$1.isEmpty) }
        }
        let exact = matching.first { $0.key.text == path } ?? matching.first
        return exact?.value[method]
    }
}
