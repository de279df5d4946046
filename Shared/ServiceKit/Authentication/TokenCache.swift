import Crypto
import EventLoop

/// What one loop remembers of the token table, for seconds. Bounded; known and unknown ids do not displace each other.
/// Loop-bound.
final class TokenCache {
    struct Entry {
        enum State {
            case active
            case expired
            case revoked
        }

        let digest: Digest32
        let identity: Identity
        let state: State
        /// When it must be read again, at the latest when the token itself expires.
        let freshUntil: MonotonicTime
        /// Whether its use is still to be noted in the table.
        var isUseDue: Bool
    }

    enum Found {
        case entry(Entry)
        /// The table has no such token.
        case unknown
        /// Not remembered.
        case nothing
    }

    private let capacity: Int
    private let unknownCapacity: Int
    private var entries: [TokenID: Entry] = [:]
    private var unknown: [TokenID: MonotonicTime] = [:]

    init(capacity: Int, unknownCapacity: Int) {
        self.capacity = capacity
        self.unknownCapacity = unknownCapacity
    }

    func find(_ id: TokenID, at now: MonotonicTime) -> Found {
        if let entry = entries[id] { return entry.freshUntil > now ? .entry(entry) : .nothing }
        if let until = unknown[id], until > now { return .unknown }
        return .nothing
    }

    func remember(_ id: TokenID, _ entry: Entry, at now: MonotonicTime) {
        if entries.count >= capacity, entries[id] == nil {
            entries = entries.filter { $0.value.freshUntil > now }
            if entries.count >= capacity { entries.removeAll() }
        }
        entries[id] = entry
        unknown[id] = nil
    }

    func rememberUnknown(_ id: TokenID, until: MonotonicTime, at now: MonotonicTime) {
        entries[id] = nil
        if unknown.count >= unknownCapacity, unknown[id] == nil {
            unknown = unknown.filter { $0.value > now }
            if unknown.count >= unknownCapacity { unknown.removeAll() }
        }
        unknown[id] = until
    }

    /// The use of a token is about to be noted.
    func useNoted(_ id: TokenID) { entries[id]?.isUseDue = false }

    var counts: (known: Int, unknown: Int) { (entries.count, unknown.count) }
}
