import Crypto
import EventLoop
import Foundation
import HTTP
import Testing

@Suite struct TLSServerTests {
    static let certificates = Result { (try TestCertificate(), try TestCertificate()) }

    static func files(_ certificate: TestCertificate) -> HTTPServerConfiguration.TLSFiles {
        .init(certificateChain: certificate.certificate, privateKey: certificate.key)
    }

    @Test("requests and bodies pass through TLS")
    func exchange() async throws {
        let certificate = try Self.certificates.get().0
        try await withServer(tls: Self.files(certificate), loops: 2) { request in
            request.path == "/tls" ? Response(.ok, text: "\(request.isTLS)") : await echo(request)
        } _: { server in
            let client = try TLSTestClient(port: server.port, trust: certificate.certificate)
            try client.handshake()
            #expect(try client.exchange("GET /tls HTTP/1.1\r\nHost: a\r\n\r\n").text == "true")
            let body = String(repeating: "0123456789", count: 100_000)
            let text = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            for _ in 0..<2 { #expect(try client.exchange(text).text == "POST / \(body)") }
            let pipelined = String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 50)
            try client.send(pipelined)
            for _ in 0..<50 { #expect(try client.readResponse().status == 200) }
            try client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(try client.readResponse().status == 200)
            #expect(try client.isAtEnd())
        }
    }

    @Test("a reload serves the new certificate to new connections and leaves the others alone")
    func reload() async throws {
        let (other, _) = try Self.certificates.get()
        let certificate = try TestCertificate()
        try await withServer(tls: Self.files(certificate), respond: echo) { server in
            let old = try TLSTestClient(port: server.port, trust: certificate.certificate)
            try old.handshake()
            try certificate.become(other)
            try server.server.reloadTLS()
            let new = try TLSTestClient(port: server.port, trust: other.certificate)
            try new.handshake()
            #expect(old.fingerprint != nil && new.fingerprint != nil && old.fingerprint != new.fingerprint)
            for client in [old, new] { #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 200) }
        }
    }

    @Test("a reload that fails is a typed error and changes nothing")
    func failedReload() async throws {
        let certificate = try TestCertificate()
        try await withServer(tls: Self.files(certificate), respond: echo) { server in
            let trust = certificate.directory + "/trust.pem"
            try FileManager.default.copyItem(atPath: certificate.certificate, toPath: trust)
            try FileManager.default.removeItem(atPath: certificate.certificate)
            let failure = #expect(throws: HTTPServerError.self) { try server.server.reloadTLS() }
            guard case .tls(.unreadable) = failure else {
                Issue.record("\(String(describing: failure))")
                return
            }
            let client = try TLSTestClient(port: server.port, trust: trust)
            try client.handshake()
            #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        }
    }

    @Test("plain text on a TLS port ends that connection and no other")
    func plainText() async throws {
        let certificate = try Self.certificates.get().0
        try await withServer(tls: Self.files(certificate), respond: echo) { server in
            let plain = try server.client()
            try plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = (try? plain.readToEnd()) ?? []
            #expect(!String(decoding: answer, as: UTF8.self).contains("HTTP/1.1 200"))
            let client = try TLSTestClient(port: server.port, trust: certificate.certificate)
            try client.handshake()
            #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
            #expect(server.server.metrics.failedHandshakes == 1)
        }
    }

    @Test("a handshake that does not come is given up")
    func handshakeTimeout() async throws {
        let certificate = try Self.certificates.get().0
        var limits = HTTPLimits()
        limits.tlsHandshakeTimeout = .milliseconds(100)
        try await withServer(limits: limits, tls: Self.files(certificate), respond: echo) { server in
            let silent = try server.client()
            #expect(try silent.isAtEnd())
            #expect(server.server.metrics.failedHandshakes == 1)
        }
    }

    @Test("a missing certificate stops the start with a typed error")
    func missingCertificate() throws {
        let configuration = HTTPServerConfiguration(
            listener: .address(.ipv4(UInt32(0x7f00_0001).bigEndian, port: 0)),
            tls: .init(certificateChain: "/nonexistent/cert.pem", privateKey: "/nonexistent/key.pem"))
        #expect(throws: HTTPServerError.self) {
            try TestServer(configuration: configuration, loops: 1, responder: ClosureResponder(onRequest: echo))
        }
    }

    @Test("a streamed body and a refusal of an unread one pass through TLS")
    func streamsAndRefusals() async throws {
        let certificate = try Self.certificates.get().0
        try await withServer(tls: Self.files(certificate)) { request in
            if request.path == "/refuse" { return Response(.unauthorized, text: "no") }
            return Response(.ok, body: .stream(contentLength: nil) { writer in
                for _ in 0..<200 { try await writer.write([UInt8](repeating: 66, count: 10_000)) }
            })
        } _: { server in
            let client = try TLSTestClient(port: server.port, trust: certificate.certificate)
            #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").body.count == 2_000_000)
            try client.send("POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
            #expect(try client.readResponse().status == 401)
            #expect(try client.isAtEnd())
        }
    }
}
