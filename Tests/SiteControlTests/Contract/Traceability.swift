import Encoding
import Foundation
import TestSupport
import Testing

/// `contracts/traceability.yaml`, and what stands beside it.
struct Traceability: Sendable {
    /// A row of the matrix, or of what is beyond it.
    struct Row: Sendable, Hashable {
        let operation: String
        let method: String
        let path: String
        let feature: String
        let model: String
        let jobType: String?
        let surface: String
        let justification: String?

        init(_ node: YAMLNode) throws {
            operation = try node.needed("operation")
            method = try node.needed("method")
            path = try node.needed("path")
            feature = try node.needed("feature")
            model = try node.needed("model")
            jobType = node["job_type"]?.text
            surface = try node.needed("surface")
            justification = node["justification"]?.text
        }
    }

    struct Job: Sendable, Hashable {
        let type: String
        let feature: String
        let playbook: String
        let access: String
        let startedBy: String?

        init(_ node: YAMLNode) throws {
            type = try node.needed("type")
            feature = try node.needed("feature")
            playbook = try node.needed("playbook")
            access = try node.needed("access")
            startedBy = node["started_by"]?.text
        }
    }

    /// Read once.
    static let shared = Result { try Traceability() }

    let features: [String]
    /// The matrix.
    let operations: [Row]
    let beyond: [Row]
    let jobs: [Job]
    /// Operations of every service's process.
    let process: [String]

    var served: [Row] { operations + beyond }

    private init() throws {
        let file = SiteContract.folder.appendingPathComponent("traceability.yaml")
        let root = try YAMLReader.parse([UInt8](Data(contentsOf: file)))
        features = root["features"]?.sequence?.compactMap(\.text) ?? []
        operations = try (root["operations"]?.sequence ?? []).map(Row.init)
        beyond = try (root["beyond"]?.sequence ?? []).map(Row.init)
        jobs = try (root["job_types"]?.sequence ?? []).map(Job.init)
        process = root["process"]?.sequence?.compactMap(\.text) ?? []
    }

    /// The page of a feature.
    func page(_ feature: String) throws -> String {
        try String(contentsOf: SiteContract.folder.appendingPathComponent("features/\(feature).md"), encoding: .utf8)
    }
}

extension YAMLNode {
    fileprivate func needed(_ key: String) throws -> String { try #require(self[key]?.text, "a row has no \(key)") }
}

extension String {
    /// What stands in the page below a heading, up to the next one.
    func section(_ heading: String) -> String {
        let lines = split(separator: "\n", omittingEmptySubsequences: false)
        guard let start = lines.firstIndex(of: "## \(heading)") else { return "" }
        return lines[(start + 1)...].prefix { !$0.hasPrefix("## ") }.joined(separator: "\n")
    }
}
