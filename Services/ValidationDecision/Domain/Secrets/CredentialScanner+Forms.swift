extension CredentialScanner {
    // MARK: PEM

    /// `-----BEGIN … PRIVATE KEY`, of any kind, also of PGP and SSH2. The header alone is enough.
    static func hasPEMKey(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let begin = Array("BEGIN ".utf8)
        let label = Array("PRIVATE KEY".utf8)
        for start in text.indices where text[start] == begin[0] && isAt(start, begin, text) {
            guard follows(dashesBefore: start, in: text) else { continue }
            // Labels are a few words: "ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK".
            let from = start + begin.count
            let to = min(text.count, from + 48)
            for index in from..<to {
                if text[index] == UInt8(ascii: "-") || text[index] == 0x0A { break }
                if text[index] == label[0], isAt(index, label, text) { return true }
            }
        }
        return false
    }

    /// Four dashes, with or without a blank after them.
    private static func follows(dashesBefore start: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        var end = start
        if end > 0, text[end - 1] == UInt8(ascii: " ") { end -= 1 }
        return end >= 4 && text[(end - 4)..<end].allSatisfy { $0 == UInt8(ascii: "-") }
    }

    // MARK: JWT

    /// Header and payload as base64url of JSON objects, joined by a dot, and a dot after them; the signature of an
    /// unsigned one is empty (RFC 7519 §6.1).
    static func hasJWT(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var index = 0
        var isHeaderBefore = false
        while index < text.count {
            var end = index
            while end < text.count, ByteClass.isBase64URL(text[end]) { end += 1 }
            let isDotAfter = end < text.count && text[end] == UInt8(ascii: ".")
            if isHeaderBefore, isDotAfter, isObject(text, index, end) { return true }
            isHeaderBefore = isDotAfter && endsInObject(text, index, end)
            index = end + 1
        }
        return false
    }

    /// Whether an encoded object begins at the start of the run or after a `-` or `_` in it: `jwt_eyJ…`.
    private static func endsInObject(_ text: UnsafeBufferPointer<UInt8>, _ from: Int, _ to: Int) -> Bool {
        for start in from..<to where start == from || !ByteClass.isAlphanumeric(text[start - 1]) {
            if isObject(text, start, to) { return true }
        }
        return false
    }

    /// `{"`, `{ `, `{` and a line break or tab in base64url, and long enough to say something.
    private static func isObject(_ text: UnsafeBufferPointer<UInt8>, _ from: Int, _ to: Int) -> Bool {
        guard to - from >= 10, text[from] == UInt8(ascii: "e") else { return false }
        switch (text[from + 1], text[from + 2]) {
        case (UInt8(ascii: "y"), UInt8(ascii: "J")), (UInt8(ascii: "y"), UInt8(ascii: "A")): return true
        case (UInt8(ascii: "w"), UInt8(ascii: "o")), (UInt8(ascii: "w"), UInt8(ascii: "k")),
            (UInt8(ascii: "w"), UInt8(ascii: "0")):
            return true
        default: return false
        }
    }

    // MARK: URL

    /// `scheme://user:password@host`, the user perhaps empty (RFC 3986 §3.2.1). A password that is a placeholder as a
    /// whole is none.
    static func hasURLPassword(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let mark = Array("://".utf8)
        var index = 1
        while index < text.count {
            guard text[index] == mark[0], isAt(index, mark, text), ByteClass.isAlphanumeric(text[index - 1]) else {
                index += 1
                continue
            }
            let start = index + mark.count
            var end = start
            while end < text.count, !endsAuthority(text[end]) { end += 1 }
            if hasPassword(text[start..<end]) { return true }
            index = max(end, start)
        }
        return false
    }

    private static func hasPassword(_ authority: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        guard let at = authority.lastIndex(of: UInt8(ascii: "@")) else { return false }
        let user = authority[..<at]
        guard let colon = user.firstIndex(of: UInt8(ascii: ":")) else { return false }
        let password = user[(colon + 1)...]
        return !password.isEmpty && !SecretReference.isPlaceholder(password)
    }

    private static func endsAuthority(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: "<"),
            UInt8(ascii: ">"), 0...0x20:
            true
        default: false
        }
    }

    private static func isAt(_ index: Int, _ wanted: [UInt8], _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard text.count - index >= wanted.count else { return false }
        for offset in wanted.indices where text[index + offset] != wanted[offset] { return false }
        return true
    }
}
