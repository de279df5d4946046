import EventLoop

/// Carries an object of one loop across a `@Sendable` boundary; it is looked at on that loop only.
struct LoopBound<Object: AnyObject>: @unchecked Sendable {
    // @unchecked: `value` traps off the loop.
    private let object: Object
    let loop: Loop

    init(_ object: Object, on loop: Loop) {
        self.object = object
        self.loop = loop
    }

    var value: Object {
        loop.preconditionCurrent()
        return object
    }
}

/// Runs `body` on `loop`; a caller that is there already does not leave it.
func onLoop<T: Sendable>(
    _ loop: Loop, _ body: @escaping @Sendable () async throws(DatabaseError) -> T
) async throws(DatabaseError) -> T {
    if loop.isCurrent { return try await body() }
    do {
        return try await loop.run { try await body() }
    } catch let error as DatabaseError {
        throw error
    } catch {
        throw .cancelled
    }
}
