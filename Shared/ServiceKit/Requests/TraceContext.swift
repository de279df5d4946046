public import Encoding

/// The position of a request in a distributed trace (W3C Trace Context, level 1).
public struct TraceContext: Sendable, Equatable {
    /// 16 bytes, never all zero.
    public let traceHigh: UInt64
    public let traceLow: UInt64
    /// The span of the caller; 0 where the trace begins here.
    public let parentID: UInt64
    /// The span of this request, never zero.
    public let spanID: UInt64
    /// Bit 0: sampled.
    public let flags: UInt8

    /// A trace that begins here. It takes the request's id, so that either finds the other in the logs.
    public init(startingAt request: UUID, spanID: UInt64) {
        traceHigh = request.high
        traceLow = request.low
        parentID = 0
        self.spanID = spanID == 0 ? 1 : spanID
        flags = 0
    }

    /// Continues the caller's trace.
    /// - Parameter traceparent: `00-TRACE-PARENT-FLAGS`; later versions may go on after another hyphen.
    /// - Returns: nil where the field is malformed: then the trace begins anew, as the specification asks.
    public init?(continuing traceparent: UnsafeRawBufferPointer, spanID: UInt64) {
        guard traceparent.count >= 55, let version = Self.number(traceparent, 0, 2), version != 0xFF,
            traceparent[2] == UInt8(ascii: "-"), let high = Self.number(traceparent, 3, 16),
            let low = Self.number(traceparent, 19, 16), traceparent[35] == UInt8(ascii: "-"),
            let parent = Self.number(traceparent, 36, 16), traceparent[52] == UInt8(ascii: "-"),
            let flags = Self.number(traceparent, 53, 2), high | low != 0, parent != 0
        else { return nil }
        guard traceparent.count == 55 || (version > 0 && traceparent[55] == UInt8(ascii: "-")) else { return nil }
        traceHigh = high
        traceLow = low
        parentID = parent
        self.spanID = spanID == 0 ? 1 : spanID
        self.flags = UInt8(flags & 1)
    }

    /// What to send on to another service: this request's span becomes its parent.
    public var traceparent: String { "00-\(traceID)-\(Self.hex(spanID))-0\(flags & 1)" }

    /// 32 lower-case hexadecimal digits.
    public var traceID: String { Self.hex(traceHigh) + Self.hex(traceLow) }

    /// Appends the 32 digits of the trace's id.
    func appendTraceID(to bytes: inout [UInt8]) {
        Self.append(hex: traceHigh, to: &bytes)
        Self.append(hex: traceLow, to: &bytes)
    }

    /// Lower-case hexadecimal digits only, as the specification has it.
    private static func number(_ text: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> UInt64? {
        var value: UInt64 = 0
        for index in start..<start + count {
            switch text[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(text[index] &- 48)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(text[index] &- 87)
            default: return nil
            }
        }
        return value
    }

    private static func append(hex value: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: 60, through: 0, by: -4) {
            bytes.append(Hex.digit(UInt8(truncatingIfNeeded: value >> UInt64(shift) & 15)))
        }
    }

    private static func hex(_ value: UInt64) -> String {
        var bytes: [UInt8] = []
        append(hex: value, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
