/// Where the bytes of a body come from. The connection implements it; a test may too.
package protocol BodySource: AnyObject {
    /// The next piece after transfer decoding, never empty; nil at the end, and again on every call after it.
    /// It stays valid until the following call. The first call answers `Expect: 100-continue`.
    func nextPiece() async throws(BodyError) -> UnsafeRawBufferPointer?
}

/// The body of one request, pulled piece by piece: nothing is read from the socket that was not asked for.
///
/// Belongs to its request and is used by one task at a time.
public final class RequestBody {
    /// Content-Length in bytes; nil where the body is chunked. 0 where there is none.
    public private(set) var declaredLength: Int? = 0
    /// Bytes handed out so far.
    public private(set) var receivedBytes = 0
    /// Whether the end was seen: by a reader, or because there is no body.
    public private(set) var isFinished = true
    /// Bytes past which `next()` throws `.tooLarge`. A larger declared length throws before anything is read.
    public var byteLimit: Int?

    private var source: (any BodySource)?

    package init() {}

    /// Whether the request came without a body, or with one of declared length 0.
    public var isEmpty: Bool { declaredLength == 0 }

    /// The next piece, never empty, valid until the following call; nil at the end.
    public func next() async throws(BodyError) -> UnsafeRawBufferPointer? {
        if isFinished { return nil }
        if let byteLimit, let declaredLength, declaredLength > byteLimit { throw .tooLarge(limit: byteLimit) }
        guard let source else { throw .closed }
        guard let piece = try await source.nextPiece() else {
            isFinished = true
            return nil
        }
        receivedBytes &+= piece.count
        if let byteLimit, receivedBytes > byteLimit { throw .tooLarge(limit: byteLimit) }
        return piece
    }

    /// The whole of what is left, if it is at most `limit` bytes; otherwise throws `.tooLarge`.
    public func collect(upTo limit: Int) async throws(BodyError) -> [UInt8] {
        if isFinished { return [] }
        var collected: [UInt8] = []
        if let declaredLength {
            if declaredLength > limit { throw .tooLarge(limit: limit) }
            // A declared length is a promise, not bytes: reserve little until they come.
            collected.reserveCapacity(min(declaredLength, 64 * 1024))
        }
        while let piece = try await next() {
            if piece.count > limit - collected.count { throw .tooLarge(limit: limit) }
            collected.append(contentsOf: piece)
        }
        return collected
    }

    // MARK: The connection's side

    /// Begins the body of a new request. The source is kept until `detach()`.
    package func attach(_ source: (any BodySource)?, declaredLength: Int?) {
        self.source = source
        self.declaredLength = declaredLength
        receivedBytes = 0
        byteLimit = nil
        isFinished = declaredLength == 0
    }

    /// Ends the tie to the connection: a late `next()` throws `.closed`.
    package func detach() {
        source = nil
    }
}

/// Why a body could not be read to its end.
public enum BodyError: Error, Sendable, Equatable {
    /// Larger than `limit` bytes.
    case tooLarge(limit: Int)
    /// Nothing came for longer than `HTTPLimits.bodyStallTimeout`.
    case stalled
    /// The chunked coding is broken; says how.
    case malformedChunk(String)
    /// The client closed its side before the end.
    case truncated
    /// The connection is gone, or the request is over.
    case closed

    /// What to answer where an answer can still be sent.
    public var status: HTTPStatus {
        switch self {
        case .tooLarge: .contentTooLarge
        case .stalled: .requestTimeout
        case .malformedChunk, .truncated, .closed: .badRequest
        }
    }
}
