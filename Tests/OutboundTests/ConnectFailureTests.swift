import EventLoop
import Glibc
import Outbound
import TestSupport
import Testing

/// Failures before the first byte of a request has left: certainly not sent.
@Suite struct ConnectFailureTests {
    @Test("a refused connection is certainly not sent")
    func refused() async throws {
        let port = try ServiceUnderTest.freePort()
        let result = try await HTTPClient.test().get("http://127.0.0.1:\(port)/secret-path?token=secret-token")
        #expect(result.notSent == .connect && result.error?.isCertainlyNotSent == true)
        #expect(result.error.map { !"\($0)".contains("secret") } == true)
    }

    @Test("a name that does not exist is certainly not sent")
    func unknownName() async throws {
        let result = try await HTTPClient.test(.test(connect: .seconds(3))).get("http://no-such-host.invalid/")
        #expect([.nameLookup, .connectTimeout].contains(result.notSent), "\(result)")
    }

    @Test("a connection that does not come about in time is certainly not sent")
    func connectTimeout() async throws {
        // A listener that accepts nothing and whose queue is full leaves further attempts without an answer.
        let listener = try Acceptor.bind(try SocketAddress(parsing: "127.0.0.1:0"), reusePort: false, backlog: 0)
        defer { close(listener) }
        let address = try #require(SocketAddress.local(of: listener))
        var fillers: [Int32] = []
        defer { for fd in fillers { close(fd) } }
        for _ in 0..<4 { fillers.append(try connectWithoutWaiting(to: address)) }
        let result = try await HTTPClient.test(.test(connect: .milliseconds(300))).get("http://\(address)/")
        #expect(result.notSent == .connectTimeout, "\(result)")
        let late = try await HTTPClient.test(.test(deadline: .milliseconds(300))).get("http://\(address)/")
        #expect(late.notSent == .deadline, "\(late)")
    }

    @Test("a TLS handshake that meets silence is certainly not sent")
    func silentHandshake() async throws {
        let listener = try Acceptor.bind(try SocketAddress(parsing: "127.0.0.1:0"), reusePort: false, backlog: 16)
        defer { close(listener) }
        let address = try #require(SocketAddress.local(of: listener))
        let result = try await HTTPClient.test(.test(connect: .milliseconds(300))).get("https://\(address)/")
        #expect(result.notSent == .connectTimeout, "\(result)")
    }

    @Test("TLS to a server that speaks none is certainly not sent")
    func plainServer() async throws {
        let double = try await anonymousDouble()
        let result = try await HTTPClient.test().get("https://\(double.address)/")
        #expect(result.notSent == .tls, "\(result)")
    }

    @Test("a certificate is accepted from the given authority only, and for its own name only")
    func certificates() async throws {
        let files = try await TestCertificate.make(names: "IP:127.0.0.1")
        let double = try await S3Double.start(["--anonymous", "--tls-cert", files.certificate, "--tls-key", files.key])
        let trusting = HTTPClient.test(authorityFile: files.certificate)
        #expect(try await trusting.get("\(double.url)/b/generated/100").get().body.count == 100)
        #expect(try await HTTPClient.test().get("\(double.url)/b/generated/100").notSent == .tls)
        let port = double.address.port ?? 0
        #expect(try await trusting.get("https://localhost:\(port)/b/generated/100").notSent == .tls)
        let missing = HTTPClient.test(authorityFile: "/nonexistent.pem")
        #expect(try await missing.get("\(double.url)/b/generated/100").notSent == .tls)
        await double.stop()
    }

    private func connectWithoutWaiting(to address: SocketAddress) throws -> Int32 {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        try #require(fd >= 0)
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = (address.port ?? 0).bigEndian
        target.sin_addr.s_addr = inet_addr("127.0.0.1")
        _ = withUnsafePointer(to: &target) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        return fd
    }
}
