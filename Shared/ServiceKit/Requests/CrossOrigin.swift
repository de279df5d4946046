import HTTP

/// Lets pages of known origins call (Fetch standard, CORS protocol). Pages of others get no field and are stopped by their
/// browser.
enum CrossOrigin {
    /// How long a browser may remember a preflight, seconds.
    private static let maxAge = 600
    private static let exposed =
        "Location, Link, Retry-After, X-Request-Id, Idempotency-Replayed, X-Status-Stale, RateLimit, RateLimit-Policy, "
        + "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
    private static let allowed = "Authorization, Content-Type, Idempotency-Key, X-Request-Id, traceparent"

    static func describe(_ request: Request, in response: inout Response, origins: [String]) {
        response.fields.add("Vary", "Origin")
        guard let origin = request.header("Origin"), origins.contains(origin) else { return }
        response.fields.set("Access-Control-Allow-Origin", origin)
        guard request.method == .options, request.headerCount("Access-Control-Request-Method") > 0 else {
            response.fields.set("Access-Control-Expose-Headers", exposed)
            return
        }
        response.fields.set("Access-Control-Allow-Methods", response.fields.first("Allow") ?? "GET")
        response.fields.set("Access-Control-Allow-Headers", allowed)
        response.fields.set("Access-Control-Max-Age", "\(maxAge)")
    }
}
