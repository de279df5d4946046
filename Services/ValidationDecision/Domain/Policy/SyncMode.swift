/// The replication modes a manifest may name, spelled exactly so.
public enum SyncMode: String, CaseIterable, Sendable, Hashable {
    case sync
    case async
}
