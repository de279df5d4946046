/// Whether production is still what it was when the baseline was taken.
public struct DriftComparison: Hashable, Sendable {
    /// Tables that changed, came or went; sorted.
    public let tables: [String]
    /// Paths that changed, came or went; sorted.
    public let paths: [String]
    public let status: DriftStatus

    /// - Parameter baseline: nil where none was taken: cleanliness cannot be shown then.
    public init(baseline: ProtectedChecksums?, now: ProtectedChecksums) {
        guard let baseline else {
            tables = []
            paths = []
            status = .drifted
            return
        }
        tables = Self.differences(baseline.tables, now.tables)
        paths = Self.differences(baseline.trees, now.trees)
        status = tables.isEmpty && paths.isEmpty ? .clean : .drifted
    }

    private static func differences<Value: Equatable>(_ left: [String: Value], _ right: [String: Value]) -> [String] {
        Set(left.keys).union(right.keys).filter { left[$0] != right[$0] }.sorted()
    }
}
