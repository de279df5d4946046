/// One field that is missing or malformed.
public struct SchemaProblem: Sendable, Hashable, CustomStringConvertible {
    /// `snapshot.sha256`; empty for the document itself.
    public let path: String
    /// "is missing", "must be a string, not an integer".
    public let problem: String

    init(_ path: String, _ problem: String) {
        self.path = path
        self.problem = problem
    }

    public var description: String { path.isEmpty ? problem : "\(path) \(problem)" }
}

/// Everything that is wrong with the form of one document; never empty.
public struct SchemaProblems: Error, Sendable, Hashable {
    public let problems: [SchemaProblem]

    init(_ problems: [SchemaProblem]) { self.problems = problems }
}
