import CCurl
import EventLoop
import Locking

/// An HTTP/1.1 client whose transfers run on the event loop of the calling task. Connections are kept and reused per loop.
///
/// Requests that must not arrive twice (POST, PATCH, bodies from a stream) always get a connection of their own and are never repeated by the client.
public final class HTTPClient: Sendable {
    public let configuration: HTTPClientConfiguration
    private let drivers = Locked<[ObjectIdentifier: DriverBox]>([:])

    /// Cheap: libcurl is first touched by the first request.
    public init(configuration: HTTPClientConfiguration = HTTPClientConfiguration()) {
        self.configuration = configuration
    }

    deinit {
        for box in drivers.withLock({ Array($0.values) }) {
            box.loop.execute { box.driver.close() }
        }
    }

    /// Sends a request and gathers the response. On a loop only. Cancelling the task ends the transfer.
    public func send(_ request: OutboundRequest) async throws(OutboundError) -> OutboundResponse {
        let stream = try await open(request, pieceBytes: 32_768)
        return OutboundResponse(head: stream.head, body: try await stream.collect())
    }

    /// Sends a request and returns once the final response's head is there. On a loop only.
    ///
    /// Memory stays within twice `pieceBytes` (at least 32 KiB) plus one read of libcurl, whatever the body's size.
    public func open(
        _ request: OutboundRequest, pieceBytes: Int = 262_144
    ) async throws(OutboundError) -> OutboundStream {
        let transfer = try begin(request, pieceBytes: max(32_768, pieceBytes))
        while true {
            if case .failed(let error) = transfer.outcome { throw error }
            if let head = transfer.head { return OutboundStream(head: head, transfer: transfer, client: self) }
            await step(transfer)
        }
    }

    /// Waits for a change, or supplies what the request's body lacks.
    func step(_ transfer: Transfer) async {
        guard transfer.needsUploadPiece, let next = transfer.upload?.next else { return await transfer.waitForChange() }
        do {
            transfer.supply(try await next())
        } catch {
            if Task.isCancelled { return transfer.cancel() }
            transfer.fail(.unclear(.uploadFailed, "the source of the body failed"))
        }
    }

    private func begin(_ request: OutboundRequest, pieceBytes: Int) throws(OutboundError) -> Transfer {
        if let defect = request.defect { throw .invalidRequest(defect) }
        if Task.isCancelled { throw .notSent(.cancelled, "cancelled") }
        let driver = try driver()
        guard driver.transferCount < configuration.transfersPerLoop else {
            throw .notSent(.overloaded, "\(configuration.transfersPerLoop) transfers are under way on this loop")
        }
        guard let easy = curl_easy_init() else { throw .notSent(.overloaded, "no memory for a transfer") }
        let limits = request.limits ?? configuration.limits
        let transfer = Transfer(easy: easy, request: request, limits: limits, pieceBytes: pieceBytes, driver: driver)
        let options = CurlOptions(
            configuration: configuration, request: request, limits: limits,
            readBytes: max(16_384, min(pieceBytes / 2, 131_072)))
        guard options.apply(to: transfer) else { throw .invalidRequest("libcurl refused an option") }
        guard driver.add(transfer) else { throw .notSent(.overloaded, "libcurl refused the transfer") }
        return transfer
    }

    /// The driver of the current loop, made when it is first needed.
    private func driver() throws(OutboundError) -> CurlDriver {
        guard let loop = Loop.current else { preconditionFailure("an outbound request starts on an event loop") }
        let key = ObjectIdentifier(loop)
        if let box = drivers.withLock({ $0[key] }) { return box.driver }
        guard CurlLibrary.isReady, let driver = CurlDriver(loop: loop, configuration: configuration) else {
            throw .notSent(.overloaded, "libcurl could not be set up")
        }
        let box = DriverBox(loop: loop, driver: driver)
        drivers.withLock { $0[key] = box }
        return driver
    }

    private struct DriverBox: @unchecked Sendable {
        // @unchecked: the driver is used on its loop only.
        let loop: Loop
        let driver: CurlDriver
    }
}

/// libcurl's own set-up, done once per process.
private enum CurlLibrary {
    static let isReady = ccurl_global_init() != 0
}
