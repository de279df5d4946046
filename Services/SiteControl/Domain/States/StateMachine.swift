/// A life cycle: its states and every step between two of them. An absent pair is refused, here and by the schema.
public protocol StateMachine: RawRepresentable<String>, CaseIterable, Hashable, Sendable {
    /// The whole machine. A state without a row is final. The schema repeats this table as a trigger.
    static var transitions: [Self: Set<Self>] { get }
}

extension StateMachine {
    public func canBecome(_ next: Self) -> Bool { Self.transitions[self]?.contains(next) ?? false }

    public var isFinal: Bool { Self.transitions[self]?.isEmpty ?? true }
}
