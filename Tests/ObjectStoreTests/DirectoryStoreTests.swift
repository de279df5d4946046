import Crypto
import EventLoop
import Foundation
import Locking
import ObjectStore
import TestSupport
import Testing

@Suite struct DirectoryStoreTests {
    private let pool = BlockingPool(threads: 2)

    /// A store in a directory of its own.
    private func store(buckets: [String]? = nil) throws -> (DirectoryStore, String) {
        let root = "/tmp/trivet-objects-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: root + "/bucket", withIntermediateDirectories: true)
        return (try DirectoryStore(root: root, pool: pool, buckets: buckets), root)
    }

    private func write(_ path: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: path))
    }

    private func removed(_ root: String) { try? FileManager.default.removeItem(atPath: root) }

    @Test("objects are written, read back, measured and removed", arguments: [0, 1, 262_143, 262_144, 262_145, 1_000_000])
    func roundTrip(size: Int) async throws {
        let (store, root) = try store()
        defer { removed(root) }
        let location = try ObjectLocation(parsing: "s3://bucket/a/b/object")
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 / 253) }
        try await TestLoops.run {
            await #expect(throws: ObjectError.notFound) { _ = try await store.head(location) }
            try await store.put(location, .bytes(bytes))
            try await store.put(location, .bytes(bytes))
            #expect(try await store.head(location) == Int64(size))
            let stream = try await store.open(location, upTo: Int64(size))
            #expect(stream.declaredLength == Int64(size))
            #expect(try await stream.collect() == bytes)
            #expect(try await stream.next() == nil)
            if size > 0 {
                await #expect(throws: ObjectError.tooLarge(limit: Int64(size) - 1)) {
                    _ = try await store.open(location, upTo: Int64(size) - 1)
                }
            }
            try await store.delete(location)
            try await store.delete(location)
            await #expect(throws: ObjectError.notFound) { _ = try await store.open(location, upTo: 1) }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/bucket/a/b") == [])
    }

    @Test("no symbolic link leads out, wherever it stands and wherever it points")
    func symbolicLinks() async throws {
        let (store, root) = try store()
        defer { removed(root) }
        try write(root + "/outside", [1])
        try write(root + "/bucket/inside", [2])
        let manager = FileManager.default
        for (link, target) in [
            ("bucket/file", root + "/outside"), ("bucket/relative", "../outside"), ("bucket/harmless", "inside"),
            ("bucket/dir", "/etc"), ("bucket2", root + "/bucket"), ("bucket/dangling", "nowhere"),
        ] {
            try manager.createSymbolicLink(atPath: "\(root)/\(link)", withDestinationPath: target)
        }
        for uri in ["bucket/file", "bucket/relative", "bucket/harmless", "bucket/dir/passwd", "bucket2/inside", "bucket/dangling"] {
            let location = try ObjectLocation(parsing: "s3://\(uri)")
            let error = try await store.read("s3://\(uri)").error
            #expect(error == .denied("a symbolic link") || error == .notFound, "\(uri)")
            if uri.contains("/dir/") || uri.hasPrefix("bucket2") {
                #expect(try await store.failure { store throws(ObjectError) in try await store.put(location, .bytes([3])) } != nil)
                #expect(try await store.failure { store throws(ObjectError) in try await store.delete(location) } == nil)
            }
        }
        // A write replaces a link and leaves its target alone.
        try await TestLoops.run { try await store.put(try ObjectLocation(parsing: "s3://bucket/file"), .bytes([9])) }
        #expect(try Data(contentsOf: URL(filePath: root + "/outside")) == Data([1]))
        #expect(try await store.read("s3://bucket/file").count == 1)
        #expect(manager.fileExists(atPath: root + "/bucket/inside"))
    }

    @Test("a pipe, a socket-like node and a directory are no objects, and none makes the reader wait")
    func otherKinds() async throws {
        let (store, root) = try store()
        defer { removed(root) }
        #expect(mkfifo(root + "/bucket/pipe", 0o600) == 0)
        try FileManager.default.createDirectory(atPath: root + "/bucket/dir", withIntermediateDirectories: true)
        try write(root + "/bucket/file", [1])
        #expect(try await store.read("s3://bucket/pipe").error == .denied("not a regular file"))
        #expect(try await store.read("s3://bucket/dir").error == .notFound)
        #expect(try await store.read("s3://bucket/file/below").error == .notFound)
        #expect(try await store.read("s3://nobucket/file").error == .notFound)
        let onDirectory = try ObjectLocation(parsing: "s3://bucket/dir")
        let error = try await store.failure { store throws(ObjectError) in try await store.put(onDirectory, .bytes([1])) }
        #expect(error == .denied("a directory has this name"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/bucket").sorted() == ["dir", "file", "pipe"])
    }

    @Test("unfinished writes are not objects, and leave nothing behind")
    func unfinished() async throws {
        struct Broken: Error {}
        let (store, root) = try store()
        defer { removed(root) }
        let location = try ObjectLocation(parsing: "s3://bucket/object")
        let given = Locked(0)
        let bodies: [ObjectBody] = [
            .stream(length: 5, next: { nil }), .stream(length: 5, next: { [1, 2, 3, 4, 5, 6] }),
            .stream(length: 5, next: {
                if given.withLock({ $0 += 1; return $0 }) > 1 { throw Broken() }
                return [1]
            }),
        ]
        for body in bodies {
            let error = try await store.failure { store throws(ObjectError) in try await store.put(location, body) }
            guard case .uploadFailed? = error else { Issue.record("\(String(describing: error))"); continue }
        }
        #expect(try await store.read("s3://bucket/object").error == .notFound)
        #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/bucket") == [])
        try write(root + "/bucket/.put-1", [1])
        #expect(try await store.read("s3://bucket/.put-1").error == .notFound)
    }

    @Test("a file that shrinks while it is read is a short body; one that grows ends where it was declared to")
    func changingFiles() async throws {
        let (store, root) = try store()
        defer { removed(root) }
        let path = root + "/bucket/object"
        let location = try ObjectLocation(parsing: "s3://bucket/object")
        try write(path, [UInt8](repeating: 1, count: 2_000_000))
        try await TestLoops.run {
            let stream = try await store.open(location, upTo: 1 << 40)
            _ = try await stream.next()
            #expect(truncate(path, 1_000_000) == 0)
            await #expect(throws: ObjectError.shortBody) {
                while try await stream.next() != nil {}
            }
            await #expect(throws: ObjectError.shortBody) { _ = try await stream.next() }
            let growing = try await store.open(location, upTo: 1 << 40)
            _ = try await growing.next()
            #expect(truncate(path, 3_000_000) == 0)
            var count = 262_144
            while let piece = try await growing.next() { count += piece.count }
            #expect(count == 1_000_000)
        }
    }

    @Test("a gigabyte is read in flat memory, two objects side by side")
    func large() async throws {
        let (store, root) = try store()
        defer { removed(root) }
        // Sparse: no disk is needed, and the reads are real.
        for name in ["big", "other"] {
            try write("\(root)/bucket/\(name)", [UInt8(ascii: "x")])
            #expect(truncate("\(root)/bucket/\(name)", name == "big" ? 1 << 30 : 200_000_000) == 0)
        }
        let readings = try await TestLoops.run {
            let other = try ObjectLocation(parsing: "s3://bucket/other")
            let big = try ObjectLocation(parsing: "s3://bucket/big")
            async let first = store.readHere(big)
            async let second = store.readHere(other)
            return await [first, second]
        }
        #expect(readings.map(\.count) == [1 << 30, 200_000_000])
        #expect(readings.allSatisfy { $0.error == nil && $0.growth < 150 << 20 })
    }

    @Test("an allowlist holds, a deadline ends a slow reader, cancellation ends a read")
    func limits() async throws {
        let (store, root) = try store(buckets: ["bucket"])
        defer { removed(root) }
        #expect(try await store.read("s3://other/x").error == .bucketNotAllowed("other"))
        try write(root + "/bucket/object", [UInt8](repeating: 1, count: 1_000_000))
        let hurried = try DirectoryStore(root: root, pool: pool, deadline: .nanoseconds(1))
        #expect(try await hurried.read("s3://bucket/object").error == .deadline)
        let location = try ObjectLocation(parsing: "s3://bucket/object")
        let result = Locked<Reading?>(nil)
        let task = TestLoops.group.loops[0].spawn {
            while !Task.isCancelled { await Task.yield() }
            let reading = await store.readHere(location)
            result.withLock { $0 = reading }
        }
        task.cancel()
        await task.value
        #expect(result.withLock { $0 }?.error == .cancelled)
        #expect(throws: ObjectError.self) { try DirectoryStore(root: root + "/absent", pool: pool) }
        #expect(throws: ObjectError.self) { try DirectoryStore(root: root + "/bucket/object", pool: pool) }
    }
}
