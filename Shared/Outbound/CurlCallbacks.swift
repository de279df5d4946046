import CCurl

/// The functions that libcurl calls, each of which finds its Swift object behind the context pointer. None of them may call back into the multi handle.
enum CurlCallbacks {
    static let socket: curl_socket_callback = { _, fd, what, context, _ in
        guard let context else { return -1 }
        return Unmanaged<CurlDriver>.fromOpaque(context).takeUnretainedValue().socketChanged(fd, what)
    }

    static let timer: curl_multi_timer_callback = { _, milliseconds, context in
        guard let context else { return -1 }
        Unmanaged<CurlDriver>.fromOpaque(context).takeUnretainedValue().timerChanged(milliseconds: milliseconds)
        return 0
    }

    static let prereq: curl_prereq_callback = { context, _, _, _, _ in
        guard let transfer = transfer(context) else { return Int32(CURL_PREREQFUNC_ABORT) }
        transfer.willSend()
        return Int32(CURL_PREREQFUNC_OK)
    }

    static let header: ccurl_bytes_callback = { bytes, size, count, context in
        guard let transfer = transfer(context) else { return 0 }
        let line = UnsafeRawBufferPointer(start: bytes, count: size &* count)
        return transfer.takeHeadLine(line) ? line.count : stopped(line.count)
    }

    static let write: ccurl_bytes_callback = { bytes, size, count, context in
        guard let transfer = transfer(context) else { return 0 }
        let piece = UnsafeRawBufferPointer(start: bytes, count: size &* count)
        guard let taken = transfer.takeBody(piece) else { return Int(CURL_WRITEFUNC_PAUSE) }
        return taken == piece.count ? taken : stopped(piece.count)
    }

    static let read: ccurl_bytes_callback = { bytes, size, count, context in
        guard let transfer = transfer(context) else { return Int(CURL_READFUNC_ABORT) }
        let room = UnsafeMutableRawBufferPointer(start: bytes, count: size &* count)
        return switch transfer.giveBody(room) {
        case .bytes(let count): count
        case .end: 0
        case .wait: Int(CURL_READFUNC_PAUSE)
        case .failed: Int(CURL_READFUNC_ABORT)
        }
    }

    static let seek: curl_seek_callback = { context, offset, origin in
        guard let transfer = transfer(context), offset == 0, origin == 0, transfer.rewindBody() else {
            return CURL_SEEKFUNC_CANTSEEK
        }
        return CURL_SEEKFUNC_OK
    }

    private static func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
        context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Any count but the offered one makes libcurl stop.
    private static func stopped(_ offered: Int) -> Int { offered == 0 ? 1 : 0 }
}
