import Glibc

/// A response as a client reads it.
struct TestResponse: Equatable {
    var status: Int
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    /// Value of the first field of that name, in lower case.
    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
    var text: String { String(decoding: body, as: UTF8.self) }

    static func == (left: TestResponse, right: TestResponse) -> Bool {
        left.status == right.status && left.body == right.body
            && left.headers.map { "\($0.name):\($0.value)" } == right.headers.map { "\($0.name):\($0.value)" }
    }
}

enum TestClientError: Error {
    case system(Int32)
    case ended
    case timedOut
    case notHTTP(String)
}

/// A blocking HTTP client that does exactly what a test says, wrong things included. A silent server fails a read after 20 s.
class TestClient {
    private(set) var fd: Int32
    private(set) var buffer: [UInt8] = []

    init(port: UInt16, receiveBuffer: Int32? = nil) throws {
        fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard fd >= 0 else { throw TestClientError.system(errno) }
        if var size = receiveBuffer { setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size)) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw TestClientError.system(errno) }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var one: Int32 = 1
        setsockopt(fd, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    init(unixPath path: String) throws {
        fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else { throw TestClientError.system(errno) }
    }

    deinit { hangUp() }

    func hangUp() {
        if fd >= 0 { close(fd) }
        fd = -1
    }

    // MARK: Bytes, which a TLS client replaces

    func sendOnce(_ bytes: UnsafeRawBufferPointer) throws -> Int {
        let count = Glibc.send(fd, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        guard count >= 0 else { throw TestClientError.system(errno) }
        return count
    }

    /// 0 at the end.
    func receiveOnce(_ into: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = recv(fd, into.baseAddress, into.count, 0)
        if count < 0 { throw errno == EAGAIN ? TestClientError.timedOut : TestClientError.system(errno) }
        return count
    }

    // MARK: What tests say

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count { sent += try bytes[sent...].withUnsafeBytes { try sendOnce($0) } }
    }

    func finishSending() { shutdown(fd, Int32(SHUT_WR)) }

    /// Ends the connection with a reset instead of a farewell.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        hangUp()
    }

    /// Sends and reads the one response.
    func exchange(_ text: String, head: Bool = false) throws -> TestResponse {
        try send(text)
        return try readResponse(head: head)
    }

    /// The next response, interim ones (100) included. `head`: the answer to a HEAD request, without a body.
    func readResponse(head: Bool = false) throws -> TestResponse {
        let lines = try readHead()
        let parts = lines[0].split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[0] == "HTTP/1.1", let status = Int(parts[1]) else {
            throw TestClientError.notHTTP(lines[0])
        }
        var response = TestResponse(status: status, headers: [], body: [])
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw TestClientError.notHTTP(line) }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            response.headers.append((line[..<colon].lowercased(), String(value)))
        }
        if head || status < 200 || status == 204 || status == 304 { return response }
        if response.header("transfer-encoding") == "chunked" {
            while true {
                let line = try readLine()
                guard let size = Int(line, radix: 16) else { throw TestClientError.notHTTP(line) }
                response.body += try read(size)
                guard try readLine() == "" else { throw TestClientError.notHTTP("chunk end") }
                if size == 0 { return response }
            }
        }
        if let length = response.header("content-length").flatMap({ Int($0) }) {
            response.body = try read(length)
        } else {
            response.body = try readToEnd()
        }
        return response
    }

    func readHead() throws -> [String] {
        var lines: [String] = []
        while true {
            let line = try readLine()
            if line.isEmpty { return lines }
            lines.append(line)
        }
    }

    func readLine() throws -> String {
        while true {
            if let end = buffer.firstIndex(of: 10) {
                guard end > 0, buffer[end - 1] == 13 else { throw TestClientError.notHTTP("bare LF") }
                let line = String(decoding: buffer[..<(end - 1)], as: UTF8.self)
                buffer.removeFirst(end + 1)
                return line
            }
            try fill()
        }
    }

    func read(_ count: Int) throws -> [UInt8] {
        while buffer.count < count { try fill() }
        let bytes = Array(buffer[..<count])
        buffer.removeFirst(count)
        return bytes
    }

    func readToEnd() throws -> [UInt8] {
        do {
            while true { try fill() }
        } catch TestClientError.ended {}
        defer { buffer = [] }
        return buffer
    }

    /// True when the server has closed, politely or not, and nothing was left to read.
    func isAtEnd() throws -> Bool {
        do {
            try fill()
            return false
        } catch TestClientError.ended {
            return buffer.isEmpty
        } catch TestClientError.system(ECONNRESET) {
            return buffer.isEmpty
        }
    }

    private func fill() throws {
        var piece = [UInt8](repeating: 0, count: 65_536)
        let count = try piece.withUnsafeMutableBytes { try receiveOnce($0) }
        if count == 0 { throw TestClientError.ended }
        buffer += piece[..<count]
    }
}
