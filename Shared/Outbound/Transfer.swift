import CCurl
import EventLoop

/// One exchange: what libcurl reports on one side, what a task waits for on the other. Lives on one loop; not Sendable.
final class Transfer {
    enum Outcome {
        case running
        case finished
        case failed(OutboundError)
    }

    let easy: UnsafeMutableRawPointer
    let limits: OutboundLimits
    /// Weak: the driver owns its transfers.
    private weak var driver: CurlDriver?
    private let loop: Loop
    let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    var headerList: UnsafeMutablePointer<curl_slist>?

    private(set) var head: OutboundResponseHead?
    private(set) var outcome = Outcome.running
    private var collector: ResponseHeadCollector
    private var pieces: PieceBuffer
    private(set) var upload: UploadSource?
    private var received: Int64 = 0

    /// Set right before the request's first byte may leave, never taken back.
    private(set) var requestBegan = false
    private var receivePaused = false
    private var sendPaused = false
    /// Why a callback told libcurl to stop, which libcurl itself cannot know.
    private var stopReason: OutboundError?

    private var waiter: UnsafeContinuation<Void, Never>?
    private var lastProgress: MonotonicTime
    private var stallTimer: TimerID?
    private var deadlineTimer: TimerID?

    init(
        easy: UnsafeMutableRawPointer, request: OutboundRequest, limits: OutboundLimits, pieceBytes: Int,
        driver: CurlDriver
    ) {
        self.easy = easy
        self.limits = limits
        self.driver = driver
        loop = driver.loop
        collector = ResponseHeadCollector(limit: limits.responseHeadBytes, isHead: request.method == .head)
        pieces = PieceBuffer(capacity: pieceBytes)
        upload = UploadSource(request.body)
        lastProgress = driver.loop.now
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        // The driver has taken the handle out of its multi handle before it let go of the transfer.
        curl_easy_cleanup(easy)
        curl_slist_free_all(headerList)
        errorText.deallocate()
    }

    var needsUploadPiece: Bool { sendPaused }

    // MARK: The caller's side

    func startTimers() {
        deadlineTimer = loop.schedule(after: limits.deadline) { [weak self] in
            guard let self else { return }
            deadlineTimer = nil
            fail(requestBegan ? .unclear(.deadline, "no full answer in time") : .notSent(.deadline, "no connection in time"))
        }
        watchForStall(after: limits.stallTimeout)
    }

    /// Suspends until something has changed. Spurious wake-ups are fine: callers look again.
    func waitForChange() async {
        let box = TransferBox(self)
        await withTaskCancellationHandler {
            await withUnsafeContinuation { waiter = $0 }
        } onCancel: {
            box.loop.execute { box.transfer.cancel() }
        }
    }

    /// What has arrived, valid until the next call; nil where nothing waits.
    func takePiece() -> UnsafeRawBufferPointer? {
        guard !pieces.isEmpty else { return nil }
        let piece = pieces.take()
        if receivePaused {
            receivePaused = false
            lastProgress = loop.now
            applyPauses()
        }
        return piece
    }

    func supply(_ piece: [UInt8]?) {
        upload?.supply(piece)
        guard sendPaused else { return }
        sendPaused = false
        lastProgress = loop.now
        applyPauses()
    }

    func cancel() {
        fail(requestBegan ? .unclear(.cancelled, "cancelled") : .notSent(.cancelled, "cancelled"))
    }

    /// Ends the transfer at once. Never inside a callback of libcurl, which forbids it.
    func fail(_ error: OutboundError) {
        guard case .running = outcome else { return }
        end(.failed(error))
        driver?.remove(self)
    }

    // MARK: libcurl's side

    /// The connection stands; the request goes out next.
    func willSend() {
        requestBegan = true
        lastProgress = loop.now
    }

    func takeHeadLine(_ line: UnsafeRawBufferPointer) -> Bool {
        lastProgress = loop.now
        switch collector.add(line) {
        case .more: return true
        case .failed(let reason, let detail): return stop(.unclear(reason, detail))
        case .complete(let head):
            if let length = head.declaredLength, length > limits.responseBodyBytes, !isHeadRequest {
                return stop(tooLarge)
            }
            self.head = head
            signal()
            return true
        }
    }

    var isHeadRequest = false

    /// How much of `bytes` was taken; nil asks libcurl to pause and come again with the same bytes.
    func takeBody(_ bytes: UnsafeRawBufferPointer) -> Int? {
        lastProgress = loop.now
        guard Int64(bytes.count) <= limits.responseBodyBytes - received else {
            _ = stop(tooLarge)
            return 0
        }
        guard pieces.append(bytes) else {
            receivePaused = true
            return nil
        }
        received += Int64(bytes.count)
        signal()
        return bytes.count
    }

    func giveBody(_ room: UnsafeMutableRawBufferPointer) -> UploadSource.Pull {
        lastProgress = loop.now
        let pull = upload?.pull(into: room) ?? .end
        switch pull {
        case .wait:
            sendPaused = true
            signal()
        case .failed(let detail): _ = stop(.unclear(.uploadFailed, detail))
        case .bytes, .end: break
        }
        return pull
    }

    func rewindBody() -> Bool { upload?.rewind() ?? true }

    /// libcurl has ended the transfer; the driver has removed it.
    func ended(_ code: CURLcode) {
        guard case .running = outcome else { return }
        if let stopReason {
            end(.failed(stopReason))
        } else if code != CURLE_OK {
            end(.failed(CurlFailure.classify(code, requestBegan: requestBegan, text: String(cString: errorText))))
        } else if head == nil {
            end(.failed(.unclear(.malformedResponse, "no response head")))
        } else {
            end(.finished)
        }
    }

    private var tooLarge: OutboundError {
        .unclear(.bodyTooLarge, "more than \(limits.responseBodyBytes) bytes of response body")
    }

    private func stop(_ reason: OutboundError) -> Bool {
        stopReason = stopReason ?? reason
        return false
    }

    private func end(_ outcome: Outcome) {
        self.outcome = outcome
        if let stallTimer { loop.cancel(stallTimer) }
        if let deadlineTimer { loop.cancel(deadlineTimer) }
        stallTimer = nil
        deadlineTimer = nil
        signal()
    }

    private func signal() {
        guard let waiter else { return }
        self.waiter = nil
        waiter.resume()
    }

    private func applyPauses() {
        guard case .running = outcome, let driver else { return }
        var bits: Int32 = 0
        if receivePaused { bits |= CURLPAUSE_RECV }
        if sendPaused { bits |= CURLPAUSE_SEND }
        driver.pause(self, bits)
    }

    /// - Parameter isSecondLook: the silence was seen before. One look is not enough: where the loop itself was late, bytes may wait in the socket.
    private func watchForStall(after delay: Duration, isSecondLook: Bool = false) {
        stallTimer = loop.schedule(after: delay) { [weak self] in
            guard let self else { return }
            stallTimer = nil
            guard requestBegan, !receivePaused, !sendPaused else { return watchForStall(after: limits.stallTimeout) }
            let silence = loop.now - lastProgress
            if silence < limits.stallTimeout {
                watchForStall(after: limits.stallTimeout - silence)
            } else if isSecondLook {
                fail(.unclear(.stalled, "no byte for \(limits.stallTimeout.wholeMilliseconds) ms"))
            } else {
                watchForStall(after: .milliseconds(20), isSecondLook: true)
            }
        }
    }
}

/// Carries a transfer back to its loop.
struct TransferBox: @unchecked Sendable {
    // @unchecked: opened on the transfer's own loop only.
    let transfer: Transfer
    let loop: Loop

    init(_ transfer: Transfer) {
        self.transfer = transfer
        loop = transfer.owningLoop
    }
}

extension Transfer {
    var owningLoop: Loop { loop }
}
