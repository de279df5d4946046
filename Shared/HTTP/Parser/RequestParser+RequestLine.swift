extension RequestParser {
    /// Method, target and version (RFC 9112 §3) of the line `0..<end`, single spaces between them.
    mutating func parseRequestLine(_ base: UnsafePointer<UInt8>, _ end: Int) throws(HTTPFault) {
        var methodEnd = 0
        while methodEnd < end, classes[Int(base[methodEnd])] & ByteClass.token != 0 { methodEnd &+= 1 }
        guard methodEnd < end, base[methodEnd] == 0x20 else {
            throw HTTPFault(.badMethod, "The request does not begin with a method and a space.")
        }
        if methodEnd > 32 { throw HTTPFault(.methodNotImplemented, "The method is longer than any known one.") }
        head.method = HeadSlice(0, methodEnd)
        let targetStart = methodEnd &+ 1
        let targetEnd = end &- 9
        guard targetEnd > targetStart, base[targetEnd] == 0x20 else {
            throw HTTPFault(.badRequestLine, "The request line is not a method, a target and a version.")
        }
        try parseVersion(base + (targetEnd &+ 1))
        let method = Self.method(base, methodEnd)
        self.method = method
        try parseTarget(base, targetStart, targetEnd, method)
    }

    private mutating func parseVersion(_ version: UnsafePointer<UInt8>) throws(HTTPFault) {
        let word = UnsafeRawPointer(version).loadUnaligned(as: UInt64.self).littleEndian
        switch word {
        case 0x312E_312F_5054_5448:  // "HTTP/1.1" read from the low byte up
            head.version = .http11
        case 0x302E_312F_5054_5448:
            head.version = .http10
        default:
            // "HTTP/d.d"
            let isVersion =
                word & 0x00FF_00FF_FFFF_FFFF == 0x002E_002F_5054_5448
                && ByteClass.has(version[5], ByteClass.digit) && ByteClass.has(version[7], ByteClass.digit)
            throw isVersion
                ? HTTPFault(.versionNotSupported, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
                : HTTPFault(.badRequestLine, "The request line does not end with a version.")
        }
    }

    private static func method(_ base: UnsafePointer<UInt8>, _ count: Int) -> HTTPMethod {
        // The space after the token is part of the comparison, so four bytes are always there.
        let word = UnsafeRawPointer(base).loadUnaligned(as: UInt32.self).littleEndian
        switch (count, word) {
        case (3, 0x2054_4547): return .get
        case (4, 0x5453_4F50): return .post
        case (3, 0x2054_5550): return .put
        case (4, 0x4441_4548): return .head
        default: return HTTPMethod(String(decoding: UnsafeBufferPointer(start: base, count: count), as: UTF8.self))
        }
    }

    // MARK: Target (RFC 9112 §3.2)

    private mutating func parseTarget(
        _ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ method: HTTPMethod
    ) throws(HTTPFault) {
        if base[start] == 0x2F { return try parsePath(base, start, end) }
        if method == .other("CONNECT") {
            throw HTTPFault(.methodNotImplemented, "This server is not a proxy.")
        }
        if base[start] == 0x2A, end == start &+ 1 {
            guard method == .options else { throw HTTPFault(.badTarget, "Only OPTIONS may ask for \"*\".") }
            head.path = HeadSlice(start, end)
            return
        }
        try parseAbsoluteForm(base, start, end)
    }

    private mutating func parseAbsoluteForm(
        _ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int
    ) throws(HTTPFault) {
        let target = UnsafeRawBufferPointer(start: base + start, count: end &- start)
        let authorityStart: Int
        if ByteClass.spells(UnsafeRawBufferPointer(rebasing: target.prefix(7)), "http://") {
            authorityStart = start &+ 7
        } else if ByteClass.spells(UnsafeRawBufferPointer(rebasing: target.prefix(8)), "https://") {
            authorityStart = start &+ 8
        } else {
            throw HTTPFault(.badTarget, "The target is neither a path nor an http URI.")
        }
        var authorityEnd = authorityStart
        while authorityEnd < end, base[authorityEnd] != 0x2F, base[authorityEnd] != 0x3F { authorityEnd &+= 1 }
        guard HostSyntax.isHost(base + authorityStart, authorityEnd &- authorityStart) else {
            throw HTTPFault(.badTarget, "The target's host is malformed.")
        }
        head.host = HeadSlice(authorityStart, authorityEnd)
        isAbsoluteForm = true
        if authorityEnd == end || base[authorityEnd] == 0x3F {
            // An empty path means "/"; the last slash of "http://" stands in for it, as the head is bytes as sent.
            head.path = HeadSlice(authorityStart &- 1, authorityStart)
            if authorityEnd < end { try parseQuery(base, authorityEnd &+ 1, end) }
        } else {
            try parsePath(base, authorityEnd, end)
        }
    }

    private mutating func parsePath(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) throws(HTTPFault) {
        var index = start
        var needsCheck = false
        scan: while index < end {
            let byte = base[index]
            if classes[Int(byte)] & ByteClass.path != 0 {
                if byte == 0x2E, base[index &- 1] == 0x2F { needsCheck = true }
            } else if byte == 0x25 {
                head.isPathEncoded = true
            } else if byte == 0x3F {
                break scan
            } else {
                throw HTTPFault(.badTarget, "The path holds a character that must be percent-encoded.")
            }
            index &+= 1
        }
        head.path = HeadSlice(start, index)
        if needsCheck || head.isPathEncoded {
            try checkPath(UnsafeRawBufferPointer(start: base + start, count: index &- start))
        }
        if index < end { try parseQuery(base, index &+ 1, end) }
    }

    private mutating func parseQuery(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) throws(HTTPFault) {
        for index in start..<end {
            let byte = base[index]
            guard classes[Int(byte)] & ByteClass.visible != 0, byte != 0x23 else {
                throw HTTPFault(.badTarget, "The query holds a character that must be percent-encoded.")
            }
        }
        head.query = HeadSlice(start, end)
        head.hasQuery = true
    }

    /// Refuses malformed percent-encoding, NUL, text that is not UTF-8, and dot segments in any spelling: no client
    /// sends one that was not meant to reach where it may not.
    private func checkPath(_ path: UnsafeRawBufferPointer) throws(HTTPFault) {
        let decoded: String
        do throws(PercentCodingError) {
            decoded = try PercentCoding.decode(path)
        } catch {
            switch error {
            case .malformed: throw HTTPFault(.badPath, "The path's percent-encoding is malformed.")
            case .nul: throw HTTPFault(.badPath, "The path holds NUL.")
            case .notUTF8: throw HTTPFault(.badPath, "The path is not UTF-8.")
            }
        }
        let separators: (UInt8) -> Bool = { $0 == 0x2F || $0 == 0x5C }
        for segment in decoded.utf8.split(omittingEmptySubsequences: true, whereSeparator: separators)
        where segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8) {
            throw HTTPFault(.badPath, "The path holds a dot segment.")
        }
    }
}
