import Foundation
import HTTP
import Testing

@Suite struct ChaosTests {
    @Test("clients that break off anywhere leave nothing behind", arguments: 0..<8)
    func brokenClients(seed: UInt64) async throws {
        var random = XorShift(seed)
        try await withServer(loops: 2) { request in
            switch request.path {
            case "/stream":
                return Response(.ok, body: .stream(contentLength: nil) { writer in
                    for _ in 0..<200 { try await writer.write([UInt8](repeating: 1, count: 20_000)) }
                })
            case "/unread": return Response(.unauthorized, text: "no")
            case "/large": return Response(.ok, contentType: "x/y", [UInt8](repeating: 2, count: 3_000_000))
            default: return await echo(request)
            }
        } _: { server in
            for _ in 0..<150 {
                let client = try server.client(receiveBuffer: Bool.random(using: &random) ? 8_192 : nil)
                let path = ["/", "/stream", "/unread", "/large"].randomElement(using: &random) ?? "/"
                let body = String(repeating: "z", count: Int.random(in: 0...200_000, using: &random))
                let wire = Array(
                    ("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                        + "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n").utf8)
                let sent = Bool.random(using: &random) ? wire.count : Int.random(in: 0...wire.count, using: &random)
                // A full pipe would block for good: such a client gives up at once.
                setNonBlocking(client.fd)
                _ = try? wire[..<sent].withUnsafeBytes { try client.sendOnce($0) }
                if Bool.random(using: &random) {
                    var buffer = [UInt8](repeating: 0, count: Int.random(in: 1...50_000, using: &random))
                    _ = try? buffer.withUnsafeMutableBytes { try client.receiveOnce($0) }
                }
                switch Int.random(in: 0..<3, using: &random) {
                case 0: client.reset()
                case 1: client.hangUp()
                default: client.finishSending()
                }
            }
            let good = try server.client()
            #expect(try good.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 200, "seed \(seed)")
            good.hangUp()
            await server.server.drain(grace: .seconds(60))
            #expect(server.server.metrics.openConnections == 0, "seed \(seed)")
            #expect(await server.server.piecesInUse() == 0, "seed \(seed)")
        }
    }

    private func setNonBlocking(_ fd: Int32) { _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) }
}
