/// Which kind of artifacts a path judges.
public enum Scenario: String, CaseIterable, Sendable, Hashable {
    /// T1.
    case migration = "T1"
    /// T2, by upload or by reference.
    case replication = "T2"
}
