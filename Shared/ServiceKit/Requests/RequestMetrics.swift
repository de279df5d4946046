/// Counts requests: by route, method and class of status, with their latency.
struct RequestMetrics: Sendable {
    let inFlight: Gauge
    /// For requests that matched no route.
    let unrouted: RouteMetrics
    private let metrics: Metrics

    init(_ metrics: Metrics) {
        self.metrics = metrics
        inFlight = metrics.gauge("trivet_http_requests_in_flight", help: "Requests whose response has not ended.")
        unrouted = RouteMetrics(metrics, method: "any", route: "none")
    }

    func route(method: String, _ pattern: String) -> RouteMetrics { RouteMetrics(metrics, method: method, route: pattern) }
}

/// The numbers of one route.
final class RouteMetrics: Sendable {
    private let classes: [Counter]
    private let latency: Histogram

    init(_ metrics: Metrics, method: String, route: String) {
        classes = ["1xx", "2xx", "3xx", "4xx", "5xx"].map { status in
            metrics.counter(
                "trivet_http_requests_total", help: "Requests answered, by route, method and class of status.",
                labels: ["method": method, "route": route, "status": status])
        }
        latency = metrics.histogram(
            "trivet_http_request_duration_seconds",
            help: "From the first byte of a request to its response, by route and method.",
            labels: ["method": method, "route": route])
    }

    func record(status: Int, _ duration: Duration) {
        classes[min(max(status / 100, 1), 5) - 1].add()
        latency.record(duration)
    }
}
