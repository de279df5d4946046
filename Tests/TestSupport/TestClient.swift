public import EventLoop
import Glibc

/// A plain HTTP/1.1 client for tests that shows the bytes: one connection, kept alive, bound to the loop it was made on.
///
/// It reads what arrives even while it is still sending, so that an early answer to a large body is seen.
public final class TestClient {
    public let socket: Socket
    private var buffer: [UInt8] = []
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 1)

    public init(_ socket: Socket) { self.socket = socket }

    deinit { scratch.deallocate() }

    /// Connects. On a loop only.
    public static func connect(to address: SocketAddress) async throws -> TestClient {
        guard let loop = Loop.current else { preconditionFailure("test clients live on a loop") }
        return TestClient(try await Socket.connect(to: address, on: loop, deadline: MonotonicTime.now() + .seconds(20)))
    }

    /// One exchange on a connection of its own. From anywhere.
    public static func exchange(
        _ address: SocketAddress, _ method: String, _ target: String, fields: [String: String] = [:],
        body: [UInt8] = []
    ) async throws -> TestResponse {
        try await TestLoops.run {
            let client = try await connect(to: address)
            defer { client.close() }
            return try await client.exchange(method, target, fields: fields, body: body)
        }
    }

    public func close() { socket.close() }

    /// Sends a request with a `Content-Length` and reads its response.
    public func exchange(
        _ method: String, _ target: String, fields: [String: String] = [:], body: [UInt8] = []
    ) async throws -> TestResponse {
        try await send(TestClient.encode(method, target, fields: fields, body: body))
        return try await receive(isHead: method == "HEAD")
    }

    public static func encode(
        _ method: String, _ target: String, fields: [String: String] = [:], body: [UInt8] = []
    ) -> [UInt8] {
        var head = "\(method) \(target) HTTP/1.1\r\n"
        if fields["Host"] == nil { head += "Host: test\r\n" }
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) { head += "\(name): \(value)\r\n" }
        if fields["Transfer-Encoding"] == nil, fields["Content-Length"] == nil, !body.isEmpty || method != "GET" {
            head += "Content-Length: \(body.count)\r\n"
        }
        return Array((head + "\r\n").utf8) + body
    }

    /// Writes raw bytes. Ends early, without an error, when the server has closed or is answering: ``receive(isHead:)`` tells.
    public func send(_ bytes: [UInt8]) async throws {
        var offset = 0
        while offset < bytes.count {
            let attempt = bytes[offset...].withUnsafeBytes { socket.tryWrite($0) }
            switch attempt {
            case .bytes(let count): offset += count
            case .wouldBlock: try await socket.waitWritable()
            case .endOfStream, .failed: return
            }
        }
    }

    /// Reads more bytes; false at the end of the stream.
    private func fill() async throws -> Bool {
        do {
            let count = try await socket.read(into: scratch)
            buffer.append(contentsOf: scratch[..<count])
            return count > 0
        } catch {
            if case .failed = error { return false }
            throw error
        }
    }

    /// Reads until the server closes, and returns all bytes.
    public func receiveAll() async throws -> [UInt8] {
        while try await fill() {}
        defer { buffer = [] }
        return buffer
    }

    private func line() async throws -> String {
        while true {
            if let end = buffer.firstIndex(of: 10) {
                var line = buffer[..<end]
                if line.last == 13 { line = line.dropLast() }
                let text = String(decoding: line, as: UTF8.self)
                buffer.removeFirst(end + 1)
                return text
            }
            guard try await fill() else { throw TestClientError.ended(afterBytes: buffer.count) }
        }
    }

    private func take(_ count: Int) async throws -> [UInt8] {
        while buffer.count < count {
            guard try await fill() else { throw TestClientError.ended(afterBytes: buffer.count) }
        }
        let taken = Array(buffer[..<count])
        buffer.removeFirst(count)
        return taken
    }

    /// Reads the next response; interim ones (1xx) are passed over unless `keepInterim`.
    public func receive(isHead: Bool = false, keepInterim: Bool = false) async throws -> TestResponse {
        while true {
            let start = try await line()
            let words = start.split(separator: " ", maxSplits: 2)
            guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
                throw TestClientError.malformed(start)
            }
            var response = TestResponse(status: status, fields: [], body: [], closes: false)
            while case let text = try await line(), !text.isEmpty {
                guard let colon = text.firstIndex(of: ":") else { throw TestClientError.malformed(text) }
                let value = text[text.index(after: colon)...].drop { $0 == " " }
                response.fields.append((text[..<colon].lowercased(), String(value)))
            }
            response.closes = response.field("connection")?.lowercased() == "close"
            if status < 200, status != 101 {
                if keepInterim { return response }
                continue
            }
            if !isHead, status != 204, status != 304 { response.body = try await readBody(of: response) }
            return response
        }
    }

    private func readBody(of response: TestResponse) async throws -> [UInt8] {
        if response.field("transfer-encoding")?.lowercased() == "chunked" {
            var body: [UInt8] = []
            while true {
                let sizeLine = try await line()
                guard let size = Int(sizeLine.prefix { $0 != ";" }, radix: 16) else {
                    throw TestClientError.malformed(sizeLine)
                }
                if size == 0 {
                    while try await !line().isEmpty {}
                    return body
                }
                body += try await take(size)
                guard try await line().isEmpty else { throw TestClientError.malformed("chunk without its end") }
            }
        }
        if let text = response.field("content-length") {
            guard let length = Int(text) else { throw TestClientError.malformed(text) }
            return try await take(length)
        }
        return try await receiveAll()
    }
}
