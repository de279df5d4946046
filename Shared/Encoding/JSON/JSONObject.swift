/// The members of a JSON object in their order. Every key occurs once; keys are compared byte by byte.
public struct JSONObject: Sendable {
    public struct Member: Sendable {
        public let key: String
        public var value: JSONValue
    }

    public private(set) var members: [Member]
    /// Key to position, kept from `indexedFrom` members on; shorter objects are searched.
    private var index: [ExactKey: Int]

    static let indexedFrom = 12

    public init() {
        members = []
        index = [:]
    }

    public var count: Int { members.count }
    public var isEmpty: Bool { members.isEmpty }
    public var keys: [String] { members.map(\.key) }

    /// Setting nil removes the member; a new key goes to the end.
    public subscript(key: String) -> JSONValue? {
        get { position(of: key).map { members[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let found?, let value?):
                members[found].value = value
            case (let found?, nil):
                members.remove(at: found)
                reindex()
            case (nil, let value?):
                insert(Member(key: key, value: value))
            case (nil, nil):
                break
            }
        }
    }

    /// Where `key` stands among the members.
    public func position(of key: String) -> Int? {
        if members.count >= Self.indexedFrom { return index[ExactKey(text: key)] }
        for position in members.indices where sameBytes(members[position].key, key) { return position }
        return nil
    }

    /// Adds a member whose key is not there yet.
    mutating func insert(_ member: Member) {
        members.append(member)
        if members.count == Self.indexedFrom {
            reindex()
        } else if members.count > Self.indexedFrom {
            index[ExactKey(text: member.key)] = members.count - 1
        }
    }

    private mutating func reindex() {
        index.removeAll()
        guard members.count >= Self.indexedFrom else { return }
        for position in members.indices { index[ExactKey(text: members[position].key)] = position }
    }
}

extension JSONObject: Equatable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }
}
