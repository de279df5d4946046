import EventLoop
import Foundation
import Testing
import TestSupport

@testable import ServiceKit

@Suite struct MetricsTests {
    private func text(_ metrics: Metrics) -> String { String(decoding: metrics.exposition(), as: UTF8.self) }

    @Test("the exposition has HELP, TYPE and escaped labels")
    func exposition() {
        let metrics = Metrics(loops: TestLoops.group)
        metrics.counter("a_total", help: "How\nmany \\ \"x\".", labels: ["route": "/a\"b\\c\nd"]).add(3)
        metrics.counter("a_total", help: "ignored", labels: ["route": "/b"]).add()
        metrics.gauge("b", help: "B.").add(-2)
        metrics.computed("c", help: "C.") { 1.5 }
        metrics.computed("d", help: "D.") { .nan }
        #expect(
            text(metrics) == """
                # HELP a_total How\\nmany \\\\ "x".
                # TYPE a_total counter
                a_total{route="/a\\"b\\\\c\\nd"} 3
                a_total{route="/b"} 1
                # HELP b B.
                # TYPE b gauge
                b -2
                # HELP c C.
                # TYPE c gauge
                c 1.5
                # HELP d D.
                # TYPE d gauge
                d NaN

                """)
    }

    @Test("a histogram is cumulative, and a value on a bound counts below it")
    func histogram() {
        let metrics = Metrics(loops: TestLoops.group)
        let histogram = metrics.histogram("h_seconds", help: "H.", labels: ["r": "x"], bounds: [.milliseconds(1), .seconds(1)])
        histogram.record(.milliseconds(1))
        histogram.record(.milliseconds(2))
        histogram.record(.seconds(2))
        histogram.record(.seconds(-1))
        #expect(
            text(metrics) == """
                # HELP h_seconds H.
                # TYPE h_seconds histogram
                h_seconds_bucket{r="x",le="0.001"} 2
                h_seconds_bucket{r="x",le="1"} 3
                h_seconds_bucket{r="x",le="+Inf"} 4
                h_seconds_sum{r="x"} 2.003
                h_seconds_count{r="x"} 4

                """)
    }

    @Test("the same name and labels are the same instrument")
    func same() {
        let metrics = Metrics(loops: TestLoops.group)
        metrics.counter("a_total", help: "A.", labels: ["x": "1"]).add()
        metrics.counter("a_total", help: "A.", labels: ["x": "1"]).add()
        #expect(metrics.counter("a_total", help: "A.", labels: ["x": "1"]).value == 2)
    }

    @Test("nothing is lost when loops and threads count at once")
    func concurrent() async throws {
        let metrics = Metrics(loops: TestLoops.group)
        let counter = metrics.counter("a_total", help: "A.")
        let gauge = metrics.gauge("g", help: "G.")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for loop in TestLoops.group.loops {
                group.addTask { try await loop.run { for _ in 0..<10_000 { counter.add(); gauge.add(1) } } }
            }
            group.addTask { for _ in 0..<10_000 { counter.add(); gauge.add(-1) } }
            try await group.waitForAll()
        }
        #expect(counter.value == 30_000)
        #expect(gauge.value == 10_000)
    }
}
