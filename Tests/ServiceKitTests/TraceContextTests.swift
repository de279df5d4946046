import Encoding
import Testing

@testable import ServiceKit

@Suite struct TraceContextTests {
    private func continued(_ text: String) -> TraceContext? {
        Array(text.utf8).withUnsafeBytes { TraceContext(continuing: $0, spanID: 0xABCD) }
    }

    @Test("a caller's trace is continued under a new span")
    func continues() throws {
        let trace = try #require(continued("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
        #expect(trace.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(trace.parentID == 0x00f0_67aa_0ba9_02b7)
        #expect(trace.traceparent == "00-4bf92f3577b34da6a3ce929d0e0e4736-000000000000abcd-01")
    }

    @Test("a later version may say more, version 00 may not")
    func versions() {
        let base = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        #expect(continued("01-\(base)-more") != nil)
        #expect(continued("01-\(base)") != nil)
        #expect(continued("01-\(base)more") == nil)
        #expect(continued("00-\(base)-more") == nil)
        #expect(continued("ff-\(base)") == nil)
    }

    @Test(
        "what is malformed begins a new trace",
        arguments: [
            "", "00", "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
        ])
    func malformed(text: String) {
        #expect(continued(text) == nil)
    }

    @Test("a trace that begins here has the request's id")
    func begins() throws {
        let id = try #require(UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff"))
        let trace = TraceContext(startingAt: id, spanID: 0)
        #expect(trace.traceID == "6f9619ff8b864d01b42d00cf4fc964ff")
        #expect(trace.spanID != 0)
    }
}
