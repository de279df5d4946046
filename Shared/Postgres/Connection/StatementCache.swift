/// The statements that one connection has prepared, by text. Bounded: the one not used for longest goes.
struct StatementCache {
    final class Entry {
        let name: String
        let text: String
        let types: [UInt32]
        /// The server has confirmed it. Until then others do not rely on it, since preparing may fail.
        var isReady = false
        var lastUse: UInt64 = 0

        init(name: String, text: String, types: [UInt32]) {
            self.name = name
            self.text = text
            self.types = types
        }
    }

    enum Answer {
        /// Run it by this name.
        case prepared(Entry)
        /// Prepare it by this name, then run it.
        case prepare(Entry)
        /// Run it without a name.
        case unnamed
    }

    private var entries: [String: Entry] = [:]
    private var clock: UInt64 = 0
    private let limit: Int
    /// Names the server should forget.
    var dropped: [String] = []

    init(limit: Int) { self.limit = limit }

    var count: Int { entries.count }

    mutating func look(_ statement: BoundStatement) -> Answer {
        clock &+= 1
        if let entry = entries[statement.text] {
            guard entry.isReady, statement.parameters.hasTypes(entry.types) else { return .unnamed }
            entry.lastUse = clock
            return .prepared(entry)
        }
        guard limit > 0 else { return .unnamed }
        if entries.count >= limit, !dropOldest() { return .unnamed }
        let entry = Entry(name: "t\(clock)", text: statement.text, types: statement.parameters.oids)
        entry.lastUse = clock
        entries[statement.text] = entry
        return .prepare(entry)
    }

    /// Preparing failed: there is nothing to forget on the server.
    mutating func forget(_ entry: Entry) {
        if entries[entry.text] === entry { entries[entry.text] = nil }
    }

    /// Its plan is of no use any more.
    mutating func drop(text: String) {
        guard let entry = entries[text], entry.isReady else { return }
        entries[text] = nil
        dropped.append(entry.name)
    }

    private mutating func dropOldest() -> Bool {
        var oldest: Entry?
        for entry in entries.values where entry.isReady {
            if entry.lastUse < oldest?.lastUse ?? .max { oldest = entry }
        }
        guard let oldest else { return false }
        drop(text: oldest.text)
        return true
    }
}

extension ParameterList {
    func hasTypes(_ types: [UInt32]) -> Bool {
        guard slots.count == types.count else { return false }
        for index in 0..<slots.count where slots[index].type.oid != types[index] { return false }
        return true
    }
}
