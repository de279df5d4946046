import EventLoop
import Glibc
import Outbound
import TestSupport

/// Proxies in the environment that lead nowhere, in force for every test here: were one obeyed, nothing would connect.
private let deadProxies: Void = {
    for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        setenv(name, "http://127.0.0.1:1", 1)
    }
}()

/// The double that asks for no signatures.
func anonymousDouble() async throws -> S3Double {
    _ = deadProxies
    return try await S3Double.anonymous.value
}

/// Limits short enough for tests of time limits, long enough for a loaded machine.
extension OutboundLimits {
    static func test(
        connect: Duration = .seconds(20), stall: Duration = .seconds(20), deadline: Duration = .seconds(60),
        head: Int = 32_768, body: Int64 = 1 << 31
    ) -> OutboundLimits {
        OutboundLimits(
            connectTimeout: connect, stallTimeout: stall, deadline: deadline, responseHeadBytes: head,
            responseBodyBytes: body)
    }
}

extension HTTPClient {
    static func test(_ limits: OutboundLimits = .test(), authorityFile: String? = nil) -> HTTPClient {
        HTTPClient(configuration: HTTPClientConfiguration(limits: limits, authorityFile: authorityFile))
    }

    /// Sends from a loop and returns what came of it.
    func attempt(_ request: OutboundRequest) async throws -> Result<OutboundResponse, OutboundError> {
        try await TestLoops.run {
            do throws(OutboundError) {
                return .success(try await self.send(request))
            } catch {
                return .failure(error)
            }
        }
    }

    func get(_ url: String) async throws -> Result<OutboundResponse, OutboundError> {
        try await attempt(OutboundRequest(.get, try OutboundURL(parsing: url)))
    }
}

extension Result where Failure == OutboundError {
    var error: OutboundError? {
        if case .failure(let error) = self { error } else { nil }
    }

    var unclear: OutboundError.UnclearReason? {
        if case .unclear(let reason, _)? = error { reason } else { nil }
    }

    var notSent: OutboundError.NotSentReason? {
        if case .notSent(let reason, _)? = error { reason } else { nil }
    }
}

/// Resident pages of this process, in bytes.
func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var text = [CChar](repeating: 0, count: 128)
    guard fgets(&text, 128, file) != nil else { return 0 }
    let fields = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
}
