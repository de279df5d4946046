/// A media type with its parameters (RFC 9110 §8.3.1).
public struct MediaType: Sendable, Equatable {
    /// Lower case.
    public let type: String
    /// Lower case.
    public let subtype: String
    /// Names in lower case, values unquoted.
    public let parameters: [Parameter]

    public struct Parameter: Sendable, Equatable {
        public let name: String
        public let value: String
    }

    /// nil where `text` is not a media type, or names a parameter twice.
    public init?(parsing text: String) {
        return nil
    }

    /// "type/subtype"
    public var essence: String { "\(type)/\(subtype)" }

    public subscript(_ parameter: String) -> String? { parameters.first { $0.name == parameter }?.value }
}
