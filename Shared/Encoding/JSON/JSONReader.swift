/// Reads JSON as RFC 8259 has it, strictly: UTF-8 checked, no byte order mark, no duplicate keys, no half surrogate pairs,
/// nothing after the value, bounded in bytes and depth.
public enum JSONReader {
    public static func parse(
        _ bytes: UnsafeRawBufferPointer, limits: JSONLimits = .standard
    ) throws(JSONError) -> JSONValue {
        guard let base = bytes.baseAddress else {
            throw JSONError(kind: .unexpectedEnd, line: 1, column: 1, offset: 0, pointer: "")
        }
        var parser = JSONParser(
            base: base.assumingMemoryBound(to: UInt8.self), count: bytes.count, depthMax: limits.depthMax)
        return try parser.run(bytesMax: limits.bytesMax)
    }

    public static func parse(_ bytes: [UInt8], limits: JSONLimits = .standard) throws(JSONError) -> JSONValue {
        try bytes.span.bytes.withUnsafeBytes { (raw) throws(JSONError) in try parse(raw, limits: limits) }
    }

    public static func parse(_ text: String, limits: JSONLimits = .standard) throws(JSONError) -> JSONValue {
        try parse([UInt8](text.utf8), limits: limits)
    }
}
