import CCurl

/// What libcurl's result codes mean to a caller. Pure.
enum CurlFailure {
    static func classify(_ code: CURLcode, requestBegan: Bool, text: String) -> OutboundError {
        let detail = describe(code, text)
        guard requestBegan else {
            switch code {
            case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: return .invalidRequest(detail)
            case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: return .notSent(.nameLookup, detail)
            case CURLE_OPERATION_TIMEDOUT: return .notSent(.connectTimeout, detail)
            case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
                CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_INITFAILED,
                CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_INVALIDCERTSTATUS,
                CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_CLIENTCERT, CURLE_USE_SSL_FAILED:
                return .notSent(.tls, detail)
            default: return .notSent(.connect, detail)
            }
        }
        switch code {
        case CURLE_PARTIAL_FILE: return .unclear(.shortBody, detail)
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING:
            return .unclear(.malformedResponse, detail)
        case CURLE_OPERATION_TIMEDOUT: return .unclear(.stalled, detail)
        default: return .unclear(.connectionLost, detail)
        }
    }

    /// libcurl's own text where it is harmless, else its name for the code. Anything like a URL stays out, as its query may hold a signature.
    private static func describe(_ code: CURLcode, _ text: String) -> String {
        let isPlain = !text.isEmpty && !text.contains("://") && !text.contains("?")
        let chosen = isPlain ? text : curl_easy_strerror(code).map { String(cString: $0) } ?? "error \(code.rawValue)"
        return String(String.UnicodeScalarView(chosen.unicodeScalars.prefix(200).map { $0.value < 0x20 ? " " : $0 }))
    }
}
