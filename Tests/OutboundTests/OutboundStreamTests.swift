import EventLoop
import Locking
import Outbound
import TestSupport
import Testing

@Suite struct OutboundStreamTests {
    @Test("a gigabyte streams through in flat memory")
    func flatMemory() async throws {
        let double = try await anonymousDouble()
        let client = HTTPClient.test()
        let url = try OutboundURL(parsing: "\(double.url)/b/generated/1073741824/flat")
        try await TestLoops.group.loops[0].run {
            let stream = try await client.open(OutboundRequest(.get, url))
            #expect(stream.head.declaredLength == 1 << 30)
            var count = 0
            var peak = 0
            let before = residentBytes()
            while let piece = try await stream.next() {
                count += piece.count
                #expect(piece.count <= 262_144)
                peak = max(peak, residentBytes())
            }
            #expect(count == 1 << 30)
            // Other tests of the process allocate meanwhile; a body held in memory would be a thousand.
            #expect(peak - before < 150 << 20)
        }
    }

    @Test("a reader that does not read holds the sender back, and is not blamed for the silence")
    func backPressure() async throws {
        let double = try await anonymousDouble()
        let client = HTTPClient.test(.test(stall: .seconds(1)))
        let url = try OutboundURL(parsing: "\(double.url)/b/generated/50000000/held")
        try await TestLoops.group.loops[0].run {
            let stream = try await client.open(OutboundRequest(.get, url))
            let before = residentBytes()
            try await Loop.current?.sleep(for: .milliseconds(2500))
            #expect(residentBytes() - before < 40 << 20)
            var count = 0
            while let piece = try await stream.next() { count += piece.count }
            #expect(count == 50_000_000)
            #expect(try await stream.next() == nil)
        }
    }

    @Test("two bodies arrive side by side on one loop, each with its own bytes")
    func sideBySide() async throws {
        let double = try await anonymousDouble()
        let client = HTTPClient.test()
        let url = double.url
        let finished = try await TestLoops.group.loops[0].run {
            try await withThrowingTaskGroup(of: (String, [UInt8]).self) { group in
                for name in ["a", "b", "c"] {
                    group.addTask {
                        let target = try OutboundURL(parsing: "\(url)/b/generated/5000000/\(name)")
                        return (name, try await client.send(OutboundRequest(.get, target)).body)
                    }
                }
                return try await group.reduce(into: [String: [UInt8]]()) { $0[$1.0] = $1.1 }
            }
        }
        #expect(finished.count == 3 && finished.values.allSatisfy { $0.count == 5_000_000 })
        #expect(finished["a"] != finished["b"] && finished["b"] != finished["c"])
    }

    @Test("cancelling the task ends the transfer, whether it waits for the head or for bytes", arguments: [-1, 1000])
    func cancellation(after: Int) async throws {
        let double = try await anonymousDouble()
        let client = HTTPClient.test()
        let key = "b/generated/100000/cancelled\(after)"
        try await double.fault(key, "stall", #""after": \#(after)"#)
        let url = try OutboundURL(parsing: "\(double.url)/\(key)")
        let outcome = Locked<OutboundError?>(nil)
        let begun = Locked(false)
        let task = TestLoops.group.loops[0].spawn {
            do throws(OutboundError) {
                begun.withLock { $0 = true }
                _ = try await client.send(OutboundRequest(.get, url))
            } catch {
                outcome.withLock { $0 = error }
            }
        }
        // The request has arrived when the double has noted it.
        while !String(decoding: try await double.log(), as: UTF8.self).contains(#""target": "/\#(key)"#) {
            await Task.yield()
        }
        task.cancel()
        await task.value
        #expect(outcome.withLock { $0 }?.isCancellation == true)
        #expect(outcome.withLock { $0 }?.isCertainlyNotSent == false)
    }

    @Test("a task that is cancelled already sends nothing")
    func cancelledBefore() async throws {
        let client = HTTPClient.test()
        let url = try OutboundURL(parsing: "http://127.0.0.1:1/")
        let task = TestLoops.group.loops[0].spawn {
            while !Task.isCancelled { await Task.yield() }
            await #expect(throws: OutboundError.notSent(.cancelled, "cancelled")) {
                _ = try await client.send(OutboundRequest(.get, url))
            }
        }
        task.cancel()
        await task.value
    }

    @Test("a released stream and a released client take their transfers with them")
    func release() async throws {
        let double = try await anonymousDouble()
        let url = try OutboundURL(parsing: "\(double.url)/b/generated/1000000000/released")
        let loop = TestLoops.group.loops[1]
        for _ in 0..<20 {
            try await loop.run {
                let client = HTTPClient.test()
                let stream = try await client.open(OutboundRequest(.get, url))
                _ = try await stream.next()
            }
        }
        // What ends them was queued on the loop before this runs.
        try await loop.run { await Task.yield() }
    }
}
