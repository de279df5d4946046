/// What a descriptor is ready for, as epoll(7) said.
public struct IOEvents: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let readable = IOEvents(rawValue: 1)
    public static let writable = IOEvents(rawValue: 2)
    /// The peer will send no more (EPOLLRDHUP); bytes may still be waiting.
    public static let peerClosed = IOEvents(rawValue: 4)
    /// Both directions are gone, or an error is pending (EPOLLHUP, EPOLLERR).
    public static let broken = IOEvents(rawValue: 8)
}

/// What to be told about a descriptor.
public struct Interest: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let read = Interest(rawValue: 1)
    public static let write = Interest(rawValue: 2)
}

/// Level: told as long as it is so. Edge: told once when it becomes so.
public enum Trigger: Sendable { case level, edge }

/// Receives the events of one descriptor, on the loop's thread.
open class IOHandler {
    public init() {}

    /// Called on the loop. May unwatch any descriptor, its own included.
    open func ready(_ events: IOEvents) {}
}

/// A registration of a descriptor with one loop, good until `unwatch`.
public struct Watch: Hashable, Sendable {
    let fd: Int32
    let generation: UInt32
    let trigger: UInt32
}
