extension Request {
    /// The value of a field; the values of a repeated one joined by ", " (RFC 9110 §5.3); nil where there is none.
    /// Bytes that are not UTF-8 come out as U+FFFD.
    public func header(_ name: StaticString) -> String? {
        var found: String?
        for index in 0..<head.fieldCount where isField(index, named: name) {
            let value = String(decoding: slice(fields[index].value), as: UTF8.self)
            found = found.map { "\($0), \(value)" } ?? value
        }
        return found
    }

    /// Every value of a field, in order.
    public func headers(_ name: String) -> [String] {
        var values: [String] = []
        for index in 0..<head.fieldCount {
            let field = slice(fields[index].name)
            guard field.count == name.utf8.count,
                zip(field, name.utf8).allSatisfy({ ByteClass.lowercased($0) == ByteClass.lowercased($1) })
            else { continue }
            values.append(String(decoding: slice(fields[index].value), as: UTF8.self))
        }
        return values
    }

    /// The bytes of a field that occurs once; nil where it is missing or repeated. Valid as long as the request.
    public func headerBytes(_ name: StaticString) -> UnsafeRawBufferPointer? {
        var found: UnsafeRawBufferPointer?
        for index in 0..<head.fieldCount where isField(index, named: name) {
            if found != nil { return nil }
            found = slice(fields[index].value)
        }
        return found
    }

    /// How many field lines of that name came.
    public func headerCount(_ name: StaticString) -> Int {
        var count = 0
        for index in 0..<head.fieldCount where isField(index, named: name) { count += 1 }
        return count
    }

    /// All field lines in order, names as sent.
    public var allHeaders: [(name: String, value: String)] {
        (0..<head.fieldCount).map { index in
            (
                String(decoding: slice(fields[index].name), as: UTF8.self),
                String(decoding: slice(fields[index].value), as: UTF8.self)
            )
        }
    }

    @inline(__always)
    private func isField(_ index: Int, named name: StaticString) -> Bool {
        let field = fields[index].name
        return Int(field.count) == name.utf8CodeUnitCount
            && ByteClass.same(bytes + Int(field.start), name.utf8Start, Int(field.count))
    }
}
