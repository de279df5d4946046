import CCurl
import EventLoop

/// One libcurl multi handle, driven by one loop: libcurl says which descriptors and which moment it waits for, the loop says when they have come.
/// Not Sendable; used on its loop only.
final class CurlDriver {
    let loop: Loop
    private let multi: UnsafeMutableRawPointer
    private var timer: TimerID?
    private var sockets: [Int32: CurlSocket] = [:]
    private var transfers: [UnsafeMutableRawPointer: Transfer] = [:]
    private var isClosed = false

    init?(loop: Loop, configuration: HTTPClientConfiguration) {
        guard let multi = curl_multi_init() else { return nil }
        self.loop = loop
        self.multi = multi
        let context = Unmanaged.passUnretained(self).toOpaque()
        let code = ccurl_multi_set_callbacks(multi, CurlCallbacks.socket, CurlCallbacks.timer, context)
        guard code == CURLM_OK else {
            curl_multi_cleanup(multi)
            isClosed = true
            return nil
        }
        _ = ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, max(1, configuration.idleConnectionsPerLoop))
        _ = ccurl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
    }

    var transferCount: Int { transfers.count }

    /// Begins the transfer. Its timers run from here.
    func add(_ transfer: Transfer) -> Bool {
        guard !isClosed, curl_multi_add_handle(multi, transfer.easy) == CURLM_OK else { return false }
        transfers[transfer.easy] = transfer
        transfer.startTimers()
        return true
    }

    /// Takes an unfinished transfer out; its connection is closed.
    func remove(_ transfer: Transfer) {
        guard transfers[transfer.easy] != nil else { return }
        curl_multi_remove_handle(multi, transfer.easy)
        transfers[transfer.easy] = nil
    }

    func pause(_ transfer: Transfer, _ bits: Int32) {
        curl_easy_pause(transfer.easy, bits)
        collectEnded()
    }

    /// Ends every transfer and closes every connection.
    func close() {
        guard !isClosed else { return }
        for transfer in Array(transfers.values) { transfer.cancel() }
        isClosed = true
        curl_multi_cleanup(multi)
        for socket in sockets.values { loop.unwatch(socket.watch) }
        sockets = [:]
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    // MARK: What libcurl asks for

    func socketChanged(_ fd: Int32, _ what: Int32) -> Int32 {
        var interest: Interest = []
        if what & CURL_POLL_IN != 0, what != CURL_POLL_REMOVE { interest.insert(.read) }
        if what & CURL_POLL_OUT != 0, what != CURL_POLL_REMOVE { interest.insert(.write) }
        if interest.isEmpty {
            // A level-triggered hang-up would be told for ever to somebody who does not listen.
            if let socket = sockets.removeValue(forKey: fd) { loop.unwatch(socket.watch) }
            return 0
        }
        if let socket = sockets[fd] {
            loop.update(socket.watch, interest)
            return 0
        }
        let handler = CurlSocketHandler(driver: self, fd: fd)
        do {
            sockets[fd] = CurlSocket(watch: try loop.watch(fd, interest, trigger: .level, handler: handler))
            return 0
        } catch {
            return -1
        }
    }

    func timerChanged(milliseconds: Int) {
        if let timer { loop.cancel(timer) }
        timer = nil
        guard milliseconds >= 0 else { return }
        timer = loop.schedule(after: .milliseconds(milliseconds)) { [weak self] in
            guard let self else { return }
            timer = nil
            act(CURL_SOCKET_TIMEOUT, 0)
        }
    }

    // MARK: What the loop says

    func act(_ fd: Int32, _ events: Int32) {
        guard !isClosed else { return }
        var running: Int32 = 0
        curl_multi_socket_action(multi, fd, events, &running)
        collectEnded()
    }

    private func collectEnded() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            var code = CURLE_OK
            guard ccurl_message_done(message, &code) != 0, let easy = message.pointee.easy_handle,
                let transfer = transfers[easy]
            else { continue }
            curl_multi_remove_handle(multi, easy)
            transfers[easy] = nil
            transfer.ended(code)
        }
    }

    private struct CurlSocket {
        let watch: Watch
    }
}

private final class CurlSocketHandler: IOHandler {
    private weak var driver: CurlDriver?
    private let fd: Int32

    init(driver: CurlDriver, fd: Int32) {
        self.driver = driver
        self.fd = fd
        super.init()
    }

    override func ready(_ events: IOEvents) {
        var bits: Int32 = 0
        if events.contains(.readable) || events.contains(.peerClosed) { bits |= CURL_CSELECT_IN }
        if events.contains(.writable) { bits |= CURL_CSELECT_OUT }
        if events.contains(.broken) { bits |= CURL_CSELECT_ERR }
        driver?.act(fd, bits)
    }
}
