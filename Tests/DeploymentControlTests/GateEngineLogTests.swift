import Encoding
import EventLoop
import Glibc
import ServiceKit
import TestSupport
import Testing

@testable import DeploymentControl

/// What is written about calls of the engine: enough to follow them, nothing secret.
@Suite struct GateEngineLogTests {
    private func lines(_ body: (EngineBench) async throws -> Void) async throws -> [JSONValue] {
        var path = Array("/tmp/trivet-engine-log-XXXXXX".utf8CString)
        let file = mkstemp(&path)
        defer { close(file); unlink(path) }
        let logger = Logger(level: .debug, format: .json, sink: LogSink(descriptor: file), loops: nil)
        let bench = try await EngineBench.start(token: "t0p-secret", header: "X-Proxy-Key: pr0xy-secret", logger: logger)
        try await body(bench)
        logger.finish()
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = pread(file, &bytes, bytes.count, 0)
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        #expect(!text.contains("t0p-secret") && !text.contains("pr0xy-secret"))
        return try text.split(separator: "\n").map { try JSONReader.parse(String($0)) }
    }

    @Test("each call is one line with its request, client, outcome and duration")
    func oneLine() async throws {
        let lines = try await lines { bench in
            let id = try await bench.started()
            _ = try await bench.look(id)
            _ = try await bench.find()
        }
        #expect(lines.map { $0["operation"]?.string } == ["start", "read", "find"])
        for line in lines {
            #expect(line["request_id"]?.string == "req-1" && line["client"]?.string == "ci-1" && line["duration_ms"] != nil)
        }
    }

    @Test("an engine's message is written without the secrets and addresses in it")
    func redacted() async throws {
        let lines = try await lines { bench in
            try await bench.double.fault(
                "start", "status",
                #""status": 400, "message": "Authorization: Bearer abc123\nsee https://u:pw@inner.example/path?token=xyz""#)
            _ = try await bench.start()
        }
        let message = try #require(lines.first?["engine_message"]?.string)
        #expect(message == "Authorization: [redacted] see https://inner.example")
        #expect(lines.first?["outcome"]?.string?.contains("not started") == true)
    }
}
