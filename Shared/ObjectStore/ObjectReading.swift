/// A store of objects, whatever keeps them. All calls are made on an event loop.
public protocol ObjectReading: Sendable {
    /// Opens an object for reading.
    ///
    /// - Parameter limit: bytes beyond which the object is `.tooLarge`; known before the first byte where the length is declared.
    func open(_ location: ObjectLocation, upTo limit: Int64) async throws(ObjectError) -> ObjectStream

    /// The object's length in bytes.
    func head(_ location: ObjectLocation) async throws(ObjectError) -> Int64

    /// Stores an object, replacing what was there. It is visible as a whole or not at all.
    func put(_ location: ObjectLocation, _ body: ObjectBody) async throws(ObjectError)

    /// Removes an object; one that is not there is no error.
    func delete(_ location: ObjectLocation) async throws(ObjectError)
}

/// What is stored.
public enum ObjectBody: Sendable {
    case bytes([UInt8])
    /// Exactly `length` bytes in pieces; nil is the end.
    case stream(length: Int64, next: @Sendable () async throws -> [UInt8]?)

    public var length: Int64 {
        switch self {
        case .bytes(let bytes): Int64(bytes.count)
        case .stream(let length, _): length
        }
    }
}

/// The bytes of an object, handed out as they are asked for. Belongs to the loop it was opened on; not Sendable.
///
/// Releasing it frees what it holds; ``close()`` does so at once.
public final class ObjectStream {
    /// nil where the store did not say.
    public let declaredLength: Int64?
    private let source: any ObjectSource

    init(declaredLength: Int64?, source: any ObjectSource) {
        self.declaredLength = declaredLength
        self.source = source
    }

    /// The next bytes, valid until the following call; nil at the end, which is reached only if the object came whole.
    public func next() async throws(ObjectError) -> UnsafeRawBufferPointer? { try await source.next() }

    public func close() { source.close() }

    /// All bytes. The limit given at opening bounds them.
    public func collect() async throws(ObjectError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await next() { bytes.append(contentsOf: piece) }
        return bytes
    }
}

/// Where a stream's bytes come from.
protocol ObjectSource: AnyObject {
    func next() async throws(ObjectError) -> UnsafeRawBufferPointer?
    func close()
}
