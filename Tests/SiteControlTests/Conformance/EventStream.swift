import Encoding
import EventLoop
import Locking
import TestSupport

/// One event of a job, as the stream gives it.
struct StreamedEvent: Sendable, Equatable {
    let id: Int
    let kind: String
    let data: JSONValue
}

/// A client of `GET /api/jobs/{id}/events` that reads while it comes.
final class EventStream: Sendable {
    private struct State {
        var received: [UInt8] = []
        var hasEnded = false
        var isClosed = false
    }

    private let state = Locked(State())
    private let reading: Task<Void, Never>

    /// - Parameters:
    ///   - fields: `Last-Event-ID` goes here.
    ///   - bytesMax: reads no more than about so many.
    ///   - staysOpen: keeps the connection then, and reads nothing any more.
    init(_ panel: Panel, job: String, query: String = "", fields: [String: String] = [:], instance: ServiceUnderTest? = nil, bytesMax: Int = .max,
        staysOpen: Bool = false
    ) {
        let address = (instance ?? panel.process).address
        var all = fields
        all["Connection"] = "close"
        all["Authorization"] = "Bearer \(panel.automation)"
        let request = TestClient.encode("GET", "/api/jobs/\(job)/events\(query)", fields: all)
        let state = state
        let loop = TestLoops.group.nextLoop()
        reading = Task {
            try? await loop.run {
                let socket = try await Socket.connect(to: address, on: loop, deadline: MonotonicTime.now() + .seconds(20))
                defer { socket.close() }
                _ = request.withUnsafeBytes { socket.tryWrite($0) }
                let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 1)
                defer { scratch.deallocate() }
                try await socket.withAbortOnCancel {
                    while state.withLock({ !$0.isClosed && $0.received.count < bytesMax }) {
                        let count = try await socket.read(into: scratch)
                        if count == 0 { break }
                        state.withLock { $0.received += scratch[..<count] }
                    }
                    while staysOpen, state.withLock({ !$0.isClosed }) { try await loop.sleep(for: .milliseconds(50)) }
                }
            }
            state.withLock { $0.hasEnded = true }
        }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        reading.cancel()
    }

    var hasEnded: Bool { state.withLock { $0.hasEnded } }
    var head: String { String(decoding: state.withLock { $0.received.prefix(2000) }, as: UTF8.self) }

    /// The text of the stream so far, without the framing of HTTP.
    var text: String {
        let bytes = state.withLock { $0.received }
        guard let start = bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound else { return "" }
        let head = String(decoding: bytes[..<start], as: UTF8.self).lowercased()
        guard head.contains("transfer-encoding: chunked") else { return String(decoding: bytes[start...], as: UTF8.self) }
        var body: [UInt8] = []
        var position = start
        while let line = bytes[position...].firstIndex(of: 10),
            let size = Int(String(decoding: bytes[position..<line].prefix { $0 != 13 }, as: UTF8.self), radix: 16), size > 0
        {
            let end = min(line + 1 + size, bytes.count)
            body += bytes[(line + 1)..<end]
            position = end + 2
            guard position < bytes.count else { break }
        }
        return String(decoding: body, as: UTF8.self)
    }

    /// The whole events so far.
    var events: [StreamedEvent] {
        let blocks = text.split(separator: "\n\n", omittingEmptySubsequences: true)
        return blocks.compactMap { block in
            var fields: [Substring: Substring] = [:]
            for line in block.split(separator: "\n") where !line.hasPrefix(":") {
                let parts = line.split(separator: ":", maxSplits: 1)
                guard parts.count == 2 else { continue }
                fields[parts[0]] = parts[1].trimmingPrefix(" ")
            }
            guard let id = fields["id"].flatMap({ Int($0) }), let kind = fields["event"], let data = fields["data"],
                let json = try? JSONReader.parse(Array(data.utf8))
            else { return nil }
            return StreamedEvent(id: id, kind: String(kind), data: json)
        }
    }
}
