import Encoding
import EventLoop
import TestSupport

/// A client of server-sent events (HTML standard, 9.2.6) that shows what came, as it comes. Lives on the loop it was made on.
final class EventWatcher {
    struct Event: Sendable, Equatable {
        let id: Int64
        let kind: String
        let data: JSONValue
    }

    enum Item: Sendable, Equatable {
        case event(Event)
        case comment
        /// The body ended as it should.
        case end
        /// The connection broke.
        case broken
    }

    let status: Int
    let fields: [(name: String, value: String)]
    private let socket: Socket
    private var raw: [UInt8]
    /// Of the body, without chunks.
    private var body: [UInt8] = []
    private var hasEnded = false
    private var isBroken = false
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 1)

    private init(_ socket: Socket, status: Int, fields: [(name: String, value: String)], rest: [UInt8]) {
        self.socket = socket
        self.status = status
        self.fields = fields
        raw = rest
    }

    deinit { scratch.deallocate() }

    /// On a loop only.
    static func open(
        _ address: SocketAddress, _ target: String, fields: [String: String]
    ) async throws -> EventWatcher {
        guard let loop = Loop.current else { preconditionFailure("watchers live on a loop") }
        let socket = try await Socket.connect(to: address, on: loop, deadline: .now() + .seconds(20))
        socket.deadline = .now() + .seconds(60)
        let client = TestClient(socket)
        try await client.send(TestClient.encode("GET", target, fields: fields))
        var bytes: [UInt8] = []
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
        defer { scratch.deallocate() }
        while true {
            if let end = headEnd(bytes) {
                let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
                let words = lines[0].split(separator: " ")
                let fields = lines.dropFirst().compactMap { line -> (String, String)? in
                    guard let colon = line.firstIndex(of: ":") else { return nil }
                    return (line[..<colon].lowercased(), String(line[line.index(after: colon)...].drop { $0 == " " }))
                }
                return EventWatcher(socket, status: Int(words[1]) ?? 0, fields: fields, rest: Array(bytes[(end + 4)...]))
            }
            let count = try await socket.read(into: scratch)
            guard count > 0 else { throw TestClientError.ended(afterBytes: bytes.count) }
            bytes += scratch[..<count]
        }
    }

    func close() { socket.close() }

    /// The next event, comment or the end. Waits for it.
    func next() async throws -> Item {
        while true {
            if let item = takeItem() { return item }
            if hasEnded { return .end }
            if isBroken { return .broken }
            try await fill()
        }
    }

    /// The next event; nil at the end, whichever.
    func nextEvent() async throws -> Event? {
        while true {
            switch try await next() {
            case .event(let event): return event
            case .comment: continue
            case .end, .broken: return nil
            }
        }
    }

    /// All events up to the end.
    func rest() async throws -> [Event] {
        var events: [Event] = []
        while let event = try await nextEvent() { events.append(event) }
        return events
    }

    private func fill() async throws {
        socket.deadline = .now() + .seconds(60)
        let count: Int
        do {
            count = try await socket.read(into: scratch)
        } catch .timedOut {
            throw SocketError.timedOut
        } catch {
            count = 0
        }
        if count == 0 { isBroken = true }
        raw += scratch[..<count]
        while takeChunk() {}
    }

    private func takeChunk() -> Bool {
        guard let line = raw.firstIndex(of: 10), let size = Int(String(decoding: raw[..<line].dropLast(), as: UTF8.self), radix: 16)
        else { return false }
        guard raw.count >= line + 1 + size + 2 else { return false }
        if size == 0 { hasEnded = true }
        body += raw[(line + 1)..<(line + 1 + size)]
        raw.removeFirst(line + 1 + size + 2)
        return size > 0
    }

    /// One block of lines up to an empty one.
    private func takeItem() -> Item? {
        while takeChunk() {}
        while let end = body.indices.first(where: { $0 + 1 < body.count && body[$0] == 10 && body[$0 + 1] == 10 }) {
            let lines = String(decoding: body[..<end], as: UTF8.self).split(separator: "\n")
            body.removeFirst(end + 2)
            var (id, kind, data) = (Int64(0), "", [String]())
            for line in lines {
                if line.hasPrefix("id: ") { id = Int64(line.dropFirst(4)) ?? -1 }
                if line.hasPrefix("event: ") { kind = String(line.dropFirst(7)) }
                if line.hasPrefix("data: ") { data.append(String(line.dropFirst(6))) }
            }
            if !data.isEmpty {
                let json = (try? JSONReader.parse(Array(data.joined(separator: "\n").utf8), limits: JSONLimits(bytesMax: 8 << 20))) ?? .null
                return .event(Event(id: id, kind: kind, data: json))
            }
            if lines.contains(where: { $0.hasPrefix(":") }) || lines.isEmpty { return .comment }
        }
        return nil
    }

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (0...(bytes.count - 4)).first { Array(bytes[$0..<($0 + 4)]) == [13, 10, 13, 10] }
    }
}
