/// Why bytes are no acceptable JSON text, and where. Holds keys of the input in `pointer`, no values.
public struct JSONError: Error, Hashable, Sendable {
    /// Stable names: callers may compare and log the raw value.
    public enum Kind: String, Sendable, CaseIterable {
        case unexpectedEnd = "unexpected_end"
        case unexpectedCharacter = "unexpected_character"
        case invalidNumber = "invalid_number"
        /// An unescaped control character in a string.
        case controlCharacter = "control_character"
        case invalidEscape = "invalid_escape"
        /// `\uD800`…`\uDFFF` without its other half.
        case loneSurrogate = "lone_surrogate"
        case invalidUTF8 = "invalid_utf8"
        case byteOrderMark = "byte_order_mark"
        case duplicateKey = "duplicate_key"
        case trailingBytes = "trailing_bytes"
        case depthLimit = "depth_limit"
        case byteLimit = "byte_limit"
    }

    public let kind: Kind
    /// 1-based; lines end with LF, CR or CRLF.
    public let line: Int
    /// 1-based, in Unicode scalars.
    public let column: Int
    /// Bytes before the place.
    public let offset: Int
    /// The value being read, RFC 6901; empty at the root.
    public let pointer: String

    public init(kind: Kind, line: Int, column: Int, offset: Int, pointer: String) {
        self.kind = kind
        self.line = line
        self.column = column
        self.offset = offset
        self.pointer = pointer
    }
}

extension JSONError: CustomStringConvertible {
    public var description: String {
        let what =
            switch kind {
            case .unexpectedEnd: "the text ends too early"
            case .unexpectedCharacter: "unexpected character"
            case .invalidNumber: "malformed number"
            case .controlCharacter: "unescaped control character in a string"
            case .invalidEscape: "unknown escape in a string"
            case .loneSurrogate: "half a surrogate pair in a string"
            case .invalidUTF8: "malformed UTF-8"
            case .byteOrderMark: "byte order mark"
            case .duplicateKey: "the same key twice in an object"
            case .trailingBytes: "bytes after the value"
            case .depthLimit: "nested too deep"
            case .byteLimit: "too many bytes"
            }
        let place = pointer.isEmpty ? "" : " at \(pointer)"
        return "line \(line), column \(column): \(what)\(place)"
    }
}

/// What a reader accepts at most.
public struct JSONLimits: Hashable, Sendable {
    /// Length of the text in bytes.
    public var bytesMax: Int
    /// Arrays and objects inside one another; never above `depthCeiling`.
    public var depthMax: Int

    public init(bytesMax: Int = 1 << 20, depthMax: Int = 64) {
        self.bytesMax = bytesMax
        self.depthMax = min(depthMax, Self.depthCeiling)
    }

    public static let standard = JSONLimits()
    /// What the stack of any thread holds.
    public static let depthCeiling = 512
}

/// A step of a JSON pointer (RFC 6901).
enum JSONPointer {
    enum Token: Sendable {
        case key(String)
        case index(Int)
    }

    /// Key text past this is cut, so that an error stays small.
    static let keyBytesMax = 200

    static func text(_ tokens: some Sequence<Token>) -> String {
        var text = ""
        for token in tokens {
            text += "/"
            switch token {
            case .index(let index): text += String(index)
            case .key(let key):
                var length = 0
                for scalar in key.unicodeScalars {
                    length += scalar.utf8.count
                    if length > keyBytesMax {
                        text += "…"
                        break
                    }
                    switch scalar {
                    case "~": text += "~0"
                    case "/": text += "~1"
                    default: text.unicodeScalars.append(scalar)
                    }
                }
            }
        }
        return text
    }
}
