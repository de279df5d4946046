/// The state of an environment's protected data, as `drift_check` and `env_create` measure it.
public struct ProtectedChecksums: Hashable, Sendable {
    public struct Table: Hashable, Sendable {
        public let rows: Int
        public let checksum: String

        public init(rows: Int, checksum: String) {
            self.rows = rows
            self.checksum = checksum
        }
    }

    public struct Tree: Hashable, Sendable {
        public let files: Int
        public let checksum: String

        public init(files: Int, checksum: String) {
            self.files = files
            self.checksum = checksum
        }
    }

    /// By table name. A protected table that does not exist is left out.
    public let tables: [String: Table]
    /// By path.
    public let trees: [String: Tree]

    public init(tables: [String: Table], trees: [String: Tree]) {
        self.tables = tables
        self.trees = trees
    }
}
