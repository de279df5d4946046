/// The parameters of a query, decoded as application/x-www-form-urlencoded: `+` is a space. Order and repetitions
/// are kept; `a`, `a=` both mean an empty value; empty pieces between `&` are passed over.
public struct QueryParameters: Sendable, Equatable {
    public struct Parameter: Sendable, Equatable {
        public let name: String
        public let value: String
    }

    public private(set) var all: [Parameter] = []

    public init() {}

    public init(_ query: String) throws(QueryError) {
        self = try query.utf8.span.bytes.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws(QueryError) in
            try QueryParameters(bytes)
        }
    }

    init(_ query: UnsafeRawBufferPointer) throws(QueryError) {
        var start = 0
        while start < query.count {
            let end = query[start...].firstIndex(of: 0x26) ?? query.endIndex
            if end > start {
                let piece = query[start..<end]
                let equals = piece.firstIndex(of: 0x3D) ?? end
                let name = try Self.decode(query[start..<equals])
                let value = equals < end ? try Self.decode(query[(equals + 1)..<end]) : ""
                all.append(Parameter(name: name, value: value))
            }
            start = end + 1
        }
    }

    public var isEmpty: Bool { all.isEmpty }

    /// The first value of that name.
    public subscript(_ name: String) -> String? { all.first { $0.name == name }?.value }

    /// Every value of that name, in order.
    public func values(_ name: String) -> [String] { all.filter { $0.name == name }.map(\.value) }

    /// The value of a parameter that may occur once at most.
    public func single(_ name: String) throws(QueryError) -> String? {
        let found = values(name)
        if found.count > 1 { throw .repeated(name) }
        return found.first
    }

    /// The first parameter that is not among `names`.
    public func firstUnknown(besides names: Set<String>) -> String? {
        all.first { !names.contains($0.name) }?.name
    }

    private static func decode(_ bytes: Slice<UnsafeRawBufferPointer>) throws(QueryError) -> String {
        do throws(PercentCodingError) {
            return try PercentCoding.decode(UnsafeRawBufferPointer(rebasing: bytes), plusIsSpace: true)
        } catch {
            throw .badEncoding(error)
        }
    }
}

/// Why a query was refused.
public enum QueryError: Error, Sendable, Equatable {
    case badEncoding(PercentCodingError)
    /// A parameter that may occur once occurs more often.
    case repeated(String)
}
