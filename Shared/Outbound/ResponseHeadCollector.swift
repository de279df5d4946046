/// Builds the final response's head from the lines that libcurl hands over one by one. Pure.
struct ResponseHeadCollector {
    enum Step: Equatable {
        case more
        /// The final head is complete; body bytes may follow.
        case complete(OutboundResponseHead)
        case failed(OutboundError.UnclearReason, String)
    }

    private let limit: Int
    private let isHead: Bool
    private var seen = 0
    private var status = 0
    private var headers = OutboundHeaders()
    private var isComplete = false

    init(limit: Int, isHead: Bool) {
        self.limit = limit
        self.isHead = isHead
    }

    /// Takes one line with its line break. Trailers, which come after the body, are counted and dropped.
    mutating func add(_ line: UnsafeRawBufferPointer) -> Step {
        seen += line.count
        guard seen <= limit else { return .failed(.headTooLarge, "more than \(limit) bytes of response head") }
        if isComplete { return .more }
        var text = line[...]
        while let last = text.last, last == 13 || last == 10 { text = text.dropLast() }
        if text.isEmpty { return endOfHead() }
        if text.starts(with: "HTTP/".utf8) { return statusLine(text) }
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else {
            // A folded line (RFC 9112 §5.2) or rubbish; nothing here needs either.
            return .more
        }
        let name = String(decoding: text[..<colon], as: UTF8.self)
        headers.append(OutboundHeader(name, trimmed(text[(colon + 1)...])))
        return .more
    }

    private mutating func statusLine(_ text: Slice<UnsafeRawBufferPointer>) -> Step {
        let parts = text.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[1].count == 3, parts[1].allSatisfy({ (48...57).contains($0) }),
            let code = Int(String(decoding: parts[1], as: UTF8.self)), code >= 100
        else { return .failed(.malformedResponse, "a status line without a status") }
        status = code
        headers = OutboundHeaders()
        return .more
    }

    private mutating func endOfHead() -> Step {
        guard status >= 100 else { return .failed(.malformedResponse, "a head without a status line") }
        if status < 200 {
            status = 0
            return .more
        }
        isComplete = true
        let lengths = Set(headers.all("content-length").flatMap { $0.split(separator: ",").map(Self.trimmedText) })
        let isChunked = headers.first("transfer-encoding") != nil
        var declared: Int64?
        if let text = lengths.first, !isChunked {
            guard lengths.count == 1, text.utf8.allSatisfy({ (48...57).contains($0) }), let length = Int64(text) else {
                return .failed(.malformedResponse, "Content-Length is not one number")
            }
            declared = length
        } else if isChunked, !lengths.isEmpty {
            return .failed(.malformedResponse, "Content-Length together with Transfer-Encoding")
        }
        let hasNoBody = isHead || status == 204 || status == 304
        return .complete(
            OutboundResponseHead(
                status: status, headers: headers, declaredLength: hasNoBody && !isHead ? 0 : declared,
                isDelimited: declared != nil || isChunked || hasNoBody))
    }

    private func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        var bytes = bytes
        while let first = bytes.first, first == 32 || first == 9 { bytes = bytes.dropFirst() }
        while let last = bytes.last, last == 32 || last == 9 { bytes = bytes.dropLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func trimmedText(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " || text.first == "\t" { text = text.dropFirst() }
        while text.last == " " || text.last == "\t" { text = text.dropLast() }
        return text
    }
}
