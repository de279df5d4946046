/// The members of a JSON object in their order. Every key occurs once; keys are compared byte by byte.
public struct JSONObject: Sendable {
    public struct Member: Sendable {
        public let key: String
        public var value: JSONValue
    }

    public private(set) var members: [Member]
    private var index = KeyIndex()

    public init() { members = [] }

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
                index.rebuild(count: count) { members[$0].key }
            case (nil, let value?):
                insert(Member(key: key, value: value))
            case (nil, nil):
                break
            }
        }
    }

    /// Where `key` stands among the members.
    public func position(of key: String) -> Int? {
        index.position(of: key, count: count) { members[$0].key }
    }

    /// Adds a member whose key is not there yet.
    mutating func insert(_ member: Member) {
        if members.isEmpty { members.reserveCapacity(8) }
        members.append(member)
        index.added(count: count) { members[$0].key }
    }
}

extension JSONObject: Equatable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }
}
