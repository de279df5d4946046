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

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public init(_ type: String, _ subtype: String, parameters: [Parameter] = []) {
        self.type = type
        self.subtype = subtype
        self.parameters = parameters
    }

    /// nil where `text` is not a media type, or names a parameter twice.
    public init?(parsing text: String) {
        var scanner = FieldScanner(text)
        guard let type = scanner.token(), scanner.skip(0x2F), let subtype = scanner.token(),
            let parameters = scanner.parameters()
        else { return nil }
        self.init(type.asciiLowercased, subtype.asciiLowercased, parameters: parameters)
    }

    /// "type/subtype"
    public var essence: String { "\(type)/\(subtype)" }

    /// The value of a parameter; `parameter` is in lower case.
    public subscript(_ parameter: String) -> String? { parameters.first { $0.name == parameter }?.value }
}
