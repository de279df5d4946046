/// One object for each loop of a group, found by the loop that runs the caller.
///
/// The objects need no lock: each is handed out on its own loop only.
public final class PerLoop<Value: AnyObject>: @unchecked Sendable {
    // @unchecked: both arrays are constant, and a value is only ever reached from its own loop's thread.
    private let loops: [Loop]
    private let values: [Value]

    /// Makes one object per loop. The closure runs on the caller's thread, before any loop can ask.
    public init(_ group: LoopGroup, _ make: (Loop) -> Value) {
        loops = group.loops
        values = group.loops.map(make)
    }

    /// The object of the current loop; nil off the loops of the group.
    @inline(__always)
    public var current: Value? {
        guard let loop = Loop.current, loop.index < loops.count, loops[loop.index] === loop else { return nil }
        return values[loop.index]
    }
}
