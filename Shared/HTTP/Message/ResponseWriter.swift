/// Where the bytes of a streamed response go. The connection implements it.
package protocol ResponseSink: AnyObject {
    /// Copies wire bytes to the end of the output buffer.
    func append(_ bytes: UnsafeRawBufferPointer) throws(ResponseError)
    /// Returns when the output buffer is below `HTTPLimits.writeBufferBytes` again.
    func waitForRoom() async throws(ResponseError)
    /// Returns when everything appended was given to the kernel.
    func flush() async throws(ResponseError)
}

/// Writes the body of a streamed response. Each `await` is back-pressure: it lasts while the client is slow.
///
/// Used by one task at a time, and only until the stream closure returns.
public final class ResponseWriter {
    /// Body bytes written so far, without framing.
    public private(set) var writtenBytes = 0

    private let sink: any ResponseSink
    /// Remaining bytes of a declared length; nil where the body is chunked or ends with the connection.
    private var remaining: Int?
    private let isChunked: Bool
    /// Most bytes appended before room is asked for.
    private static let sliceBytes = 64 * 1024

    /// - Parameters:
    ///   - declaredLength: bytes the head announced; nil where it announced none.
    ///   - isChunked: false for HTTP/1.0, whose bodies of unknown length end with the connection.
    package init(sink: any ResponseSink, declaredLength: Int?, isChunked: Bool) {
        self.sink = sink
        self.remaining = declaredLength
        self.isChunked = isChunked && declaredLength == nil
    }

    /// Queues a piece of the body. The bytes must stay where they are until this returns.
    public func write(_ bytes: UnsafeRawBufferPointer) async throws(ResponseError) {
        try account(for: bytes.count)
        var rest = bytes[...]
        while !rest.isEmpty {
            try append(UnsafeRawBufferPointer(rebasing: rest.prefix(Self.sliceBytes)))
            rest = rest.dropFirst(Self.sliceBytes)
            try await sink.waitForRoom()
        }
    }

    /// Queues a piece of the body.
    public func write(_ bytes: [UInt8]) async throws(ResponseError) {
        try account(for: bytes.count)
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Self.sliceBytes)
            try bytes.span.bytes.withUnsafeBytes { (all: UnsafeRawBufferPointer) throws(ResponseError) in
                try append(UnsafeRawBufferPointer(rebasing: all[start..<end]))
            }
            start = end
            try await sink.waitForRoom()
        }
    }

    /// Queues a piece of the body as UTF-8.
    public func write(_ text: String) async throws(ResponseError) {
        try await write(Array(text.utf8))
    }

    /// Returns when everything written so far was given to the kernel.
    public func flush() async throws(ResponseError) {
        try await sink.flush()
    }

    /// Writes what ends the body, or says that less came than was announced. For the connection.
    package func finish() throws(ResponseError) {
        if let remaining, remaining > 0 { throw .tooFewBytes }
        if isChunked { try append(literal: "0\r\n\r\n") }
    }

    // MARK: Helpers

    private func account(for count: Int) throws(ResponseError) {
        if let left = remaining {
            guard count <= left else { throw .tooManyBytes }
            remaining = left - count
        }
        writtenBytes &+= count
    }

    private func append(_ bytes: UnsafeRawBufferPointer) throws(ResponseError) {
        guard isChunked else { return try sink.append(bytes) }
        var head = [UInt8](String(bytes.count, radix: 16).utf8)
        head.append(contentsOf: [0x0D, 0x0A])
        try head.span.bytes.withUnsafeBytes { (head: UnsafeRawBufferPointer) throws(ResponseError) in try sink.append(head) }
        try sink.append(bytes)
        try append(literal: "\r\n")
    }

    private func append(literal: StaticString) throws(ResponseError) {
        try sink.append(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }
}

/// Why a streamed response broke off.
public enum ResponseError: Error, Sendable, Equatable {
    /// The client is gone.
    case closed
    /// The client took nothing for longer than `HTTPLimits.writeStallTimeout`.
    case stalled
    /// More was written than the declared length.
    case tooManyBytes
    /// Less was written than the declared length.
    case tooFewBytes
}
