/// The values of a route's `{name}` segments, percent-decoded once. Never empty, never with a slash or NUL.
public struct PathParameters: Sendable, Equatable {
    private let names: [String]
    private let values: [String]

    public init() {
        names = []
        values = []
    }

    init(names: [String], values: [String]) {
        self.names = names
        self.values = values
    }

    public var isEmpty: Bool { names.isEmpty }

    public subscript(_ name: String) -> String? {
        names.firstIndex(of: name).map { values[$0] }
    }

    /// The value as `Value`.
    /// - Throws: `.missing` where the route has no such segment, `.malformed` where the text is no `Value`.
    public func value<Value: PathParameterValue>(
        _ name: String, as type: Value.Type = Value.self
    ) throws(PathParameterError) -> Value {
        guard let text = self[name] else { throw .missing(name) }
        guard let value = Value(pathParameter: text) else { throw .malformed(name) }
        return value
    }
}

/// A type that a path segment can spell.
public protocol PathParameterValue {
    /// nil where `text` is not the spelling of a value.
    init?(pathParameter text: String)
}

extension String: PathParameterValue {
    public init?(pathParameter text: String) { self = text }
}

extension Int: PathParameterValue {
    /// Decimal digits with an optional minus sign; no plus sign, no leading zeros.
    public init?(pathParameter text: String) {
        guard let value = Int(text), String(value) == text else { return nil }
        self = value
    }
}

/// Why a path parameter could not be had as a value.
public enum PathParameterError: Error, Sendable, Equatable {
    case missing(String)
    case malformed(String)
}
