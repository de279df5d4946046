import CCurl
import EventLoop

/// Turns a request into the options of an easy handle.
struct CurlOptions {
    let configuration: HTTPClientConfiguration
    let request: OutboundRequest
    let limits: OutboundLimits
    /// Bytes per read from the socket.
    let readBytes: Int

    /// Whether libcurl accepted every option.
    func apply(to transfer: Transfer) -> Bool {
        let easy = transfer.easy
        let context = Unmanaged.passUnretained(transfer).toOpaque()
        let settings: [CURLcode] = [
            ccurl_set_text(easy, CURLOPT_URL, request.url.text),
            ccurl_set_text(easy, CURLOPT_PROTOCOLS_STR, request.url.isSecure ? "https" : "http"),
            ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0),
            ccurl_set_text(easy, CURLOPT_PROXY, ""),
            ccurl_set_text(easy, CURLOPT_NOPROXY, "*"),
            ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)),
            ccurl_set_long(easy, CURLOPT_HTTP09_ALLOWED, 0),
            ccurl_set_long(easy, CURLOPT_PATH_AS_IS, 1),
            ccurl_set_long(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1),
            ccurl_set_long(easy, CURLOPT_HTTP_CONTENT_DECODING, 0),
            ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1),
            // Without it, giving up on a name lookup waits for the lookup's thread and with it stops the loop.
            ccurl_set_long(easy, CURLOPT_QUICK_EXIT, 1),
            ccurl_set_long(easy, CURLOPT_NOPROGRESS, 1),
            ccurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1),
            ccurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2),
            ccurl_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
            ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(limits.connectTimeout)),
            ccurl_set_long(easy, CURLOPT_BUFFERSIZE, readBytes),
            ccurl_set_long(easy, CURLOPT_MAXAGE_CONN, 30),
            ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, transfer.errorText),
            ccurl_set_bytes_callback(easy, CURLOPT_HEADERFUNCTION, CurlCallbacks.header, CURLOPT_HEADERDATA, context),
            ccurl_set_bytes_callback(easy, CURLOPT_WRITEFUNCTION, CurlCallbacks.write, CURLOPT_WRITEDATA, context),
            ccurl_set_prereq(easy, CurlCallbacks.prereq, context),
        ]
        guard settings.allSatisfy({ $0 == CURLE_OK }) else { return false }
        if let file = configuration.authorityFile {
            // CAPATH too, or the system's authorities would still be trusted.
            guard ccurl_set_text(easy, CURLOPT_CAINFO, file) == CURLE_OK,
                ccurl_set_text(easy, CURLOPT_CAPATH, nil) == CURLE_OK
            else { return false }
        }
        return applyMethod(to: transfer, context) && applyHeaders(to: transfer)
    }

    private func applyMethod(to transfer: Transfer, _ context: UnsafeMutableRawPointer) -> Bool {
        let easy = transfer.easy
        transfer.isHeadRequest = request.method == .head
        if request.method == .head { return ccurl_set_long(easy, CURLOPT_NOBODY, 1) == CURLE_OK }
        // A connection that is reused may turn out dead, and libcurl then sends the request again by itself. What must not happen twice, or cannot be
        // rewound, therefore goes out on a connection of its own.
        if !request.method.isIdempotent || transfer.upload.map({ !$0.canRewind }) == true {
            guard ccurl_set_long(easy, CURLOPT_FRESH_CONNECT, 1) == CURLE_OK else { return false }
        }
        let sendsBody = transfer.upload != nil || [.put, .post, .patch].contains(request.method)
        guard sendsBody else {
            return ccurl_set_text(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue) == CURLE_OK
        }
        return ccurl_set_long(easy, CURLOPT_UPLOAD, 1) == CURLE_OK
            && ccurl_set_text(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue) == CURLE_OK
            && ccurl_set_offset(easy, CURLOPT_INFILESIZE_LARGE, Int(transfer.upload?.length ?? 0)) == CURLE_OK
            && ccurl_set_bytes_callback(easy, CURLOPT_READFUNCTION, CurlCallbacks.read, CURLOPT_READDATA, context)
                == CURLE_OK
            && ccurl_set_seek(easy, CurlCallbacks.seek, context) == CURLE_OK
    }

    private func applyHeaders(to transfer: Transfer) -> Bool {
        // An empty value takes a field away that libcurl would add by itself.
        var lines = ["Expect:", "Transfer-Encoding:"]
        if !request.headers.contains(where: { $0.name.lowercased() == "accept" }) { lines.append("Accept: */*") }
        if !request.headers.contains(where: { $0.name.lowercased() == "user-agent" }) {
            lines.append("User-Agent: \(configuration.userAgent)")
        }
        for header in request.headers {
            let value = header.value
            lines.append(value.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 } ? "\(header.name);" : "\(header.name): \(value)")
        }
        for line in lines {
            guard let list = curl_slist_append(transfer.headerList, line) else { return false }
            transfer.headerList = list
        }
        guard let list = transfer.headerList else { return true }
        return ccurl_set_pointer(transfer.easy, CURLOPT_HTTPHEADER, list) == CURLE_OK
    }

    private func milliseconds(_ duration: Duration) -> Int {
        Int(clamping: max(1, min(duration.wholeMilliseconds, 86_400_000)))
    }
}
