/// Hands out the parts of a multipart/form-data body (RFC 7578) as they arrive, in flat memory: data is passed on as
/// stretches of the connection's own window.
///
/// Belongs to one request; used by one task at a time.
public final class MultipartReader {
    private let body: RequestBody
    private var parser: MultipartParser
    /// What of the body's current piece was not parsed yet.
    private var input = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Counts the parts handed out; a part of an earlier number is over.
    private var current = 0
    private var isInPart = false
    private var isFinished = false
    /// Thrown again by every later call.
    private var failure: MultipartError?

    /// - Throws: `.notMultipart` or `.badBoundary` where the Content-Type of `request` does not allow it.
    public convenience init(
        _ request: Request, limits: MultipartLimits = MultipartLimits()
    ) throws(MultipartError) {
        let boundary = try MultipartBoundary(contentType: request.header("content-type"))
        self.init(request.body, boundary: boundary, limits: limits)
    }

    public init(_ body: RequestBody, boundary: MultipartBoundary, limits: MultipartLimits = MultipartLimits()) {
        self.body = body
        parser = MultipartParser(boundary, limits: limits)
    }

    /// The next part; what is left of the part before is read and thrown away. nil at the end of the body, which
    /// has then been read to its last byte.
    public func nextPart() async throws(MultipartError) -> MultipartPart? {
        current += 1
        while let event = try await nextEvent() {
            if case .partBegan(let head) = event { return MultipartPart(head, number: current, reader: self) }
        }
        return nil
    }

    /// For a part: its next data, nil at its end.
    fileprivate func nextData(of number: Int) async throws(MultipartError) -> UnsafeRawBufferPointer? {
        guard number == current else { throw .partIsOver }
        if let failure { throw failure }
        while isInPart, let event = try await nextEvent() {
            if case .data(let piece) = event { return piece }
        }
        return nil
    }

    // MARK: Helpers

    private func nextEvent() async throws(MultipartError) -> MultipartEvent? {
        if let failure { throw failure }
        if isFinished { return nil }
        do throws(MultipartError) {
            while true {
                if let event = try parser.next(&input) {
                    switch event {
                    case .partBegan: isInPart = true
                    case .partEnded: isInPart = false
                    case .data, .finished: break
                    }
                    return event
                }
                guard try await refill() else {
                    try parser.finish()
                    isFinished = true
                    return nil
                }
            }
        } catch {
            failure = error
            isInPart = false
            throw error
        }
    }

    private func refill() async throws(MultipartError) -> Bool {
        do throws(BodyError) {
            guard let piece = try await body.next() else { return false }
            input = piece
            return true
        } catch {
            throw .body(error)
        }
    }
}

/// One part, valid until the next one is asked for.
public final class MultipartPart {
    public let head: MultipartPartHead
    private let number: Int
    private let reader: MultipartReader

    fileprivate init(_ head: MultipartPartHead, number: Int, reader: MultipartReader) {
        self.head = head
        self.number = number
        self.reader = reader
    }

    public var name: String { head.name }
    public var filename: String? { head.filename }
    public var contentType: MediaType { head.contentType }

    /// The next piece, never empty, valid until the following call; nil at the end of the part.
    public func next() async throws(MultipartError) -> UnsafeRawBufferPointer? {
        try await reader.nextData(of: number)
    }

    /// The whole of what is left, if it is at most `limit` bytes; otherwise throws `.partTooLarge`.
    public func collect(upTo limit: Int) async throws(MultipartError) -> [UInt8] {
        var collected: [UInt8] = []
        while let piece = try await next() {
            if piece.count > limit - collected.count { throw .partTooLarge(name: name, limit: limit) }
            collected.append(contentsOf: piece)
        }
        return collected
    }
}
