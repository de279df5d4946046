import EventLoop
import Testing

/// Looks until `condition` holds; fails the test after a minute.
func eventually(
    _ what: Comment, location: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let deadline = MonotonicTime.now() + .seconds(60)
    while !(try await condition()) {
        if MonotonicTime.now() > deadline {
            Issue.record(what, sourceLocation: location)
            throw CancellationError()
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}
