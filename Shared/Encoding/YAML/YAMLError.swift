/// Why bytes are no acceptable YAML document, and where.
public struct YAMLError: Error, Hashable, Sendable {
    /// Stable names: callers may compare and log the raw value.
    public enum Kind: String, Sendable, CaseIterable {
        /// Against the grammar; `detail` says what libyaml saw.
        case syntax
        /// Nothing but white space and comments.
        case noDocument = "no_document"
        case multipleDocuments = "multiple_documents"
        /// Two keys of a mapping with the same text or the same meaning.
        case duplicateKey = "duplicate_key"
        /// A sequence or mapping as a key.
        case complexKey = "complex_key"
        /// A plain `<<` key. YAML 1.2 gives it no meaning, YAML 1.1 merges: a policy must not depend on the reader.
        case mergeKey = "merge_key"
        /// `!`, `!!str`, `!<…>` or a `%TAG` directive.
        case tag
        /// `%YAML` of another major version.
        case unsupportedVersion = "unsupported_version"
        case unknownAlias = "unknown_alias"
        /// An alias inside what it names.
        case recursiveAlias = "recursive_alias"
        case invalidUTF8 = "invalid_utf8"
        case utf16
        case nulByte = "nul_byte"
        /// A control character, or U+0085, U+2028 or U+2029, which YAML 1.1 takes for line breaks and YAML 1.2 does not.
        case forbiddenCharacter = "forbidden_character"
        case byteLimit = "byte_limit"
        case depthLimit = "depth_limit"
        /// More nodes than allowed, aliases counted as what they stand for.
        case nodeLimit = "node_limit"
        /// More text than allowed, aliases counted as what they stand for.
        case textLimit = "text_limit"
        case outOfMemory = "out_of_memory"
    }

    public let kind: Kind
    public let position: YAMLPosition
    /// Words of libyaml for `.syntax`, otherwise empty. Never quotes the input.
    public let detail: String

    public init(kind: Kind, position: YAMLPosition, detail: String = "") {
        self.kind = kind
        self.position = position
        self.detail = detail
    }
}

extension YAMLError: CustomStringConvertible {
    public var description: String {
        let what =
            switch kind {
            case .syntax: detail.isEmpty ? "malformed" : detail
            case .noDocument: "there is no document"
            case .multipleDocuments: "more than one document"
            case .duplicateKey: "the same key twice in a mapping"
            case .complexKey: "a sequence or mapping as a key"
            case .mergeKey: "merge keys are not supported"
            case .tag: "tags are not supported"
            case .unsupportedVersion: "unsupported YAML version"
            case .unknownAlias: "an alias to an unknown anchor"
            case .recursiveAlias: "an alias inside its own anchor"
            case .invalidUTF8: "malformed UTF-8"
            case .utf16: "UTF-16 is not supported"
            case .nulByte: "a NUL byte"
            case .forbiddenCharacter: "a character that YAML does not allow"
            case .byteLimit: "too many bytes"
            case .depthLimit: "nested too deep"
            case .nodeLimit: "too many nodes"
            case .textLimit: "too much text"
            case .outOfMemory: "out of memory"
            }
        return "\(position): \(what)"
    }
}

/// What the YAML reader accepts at most.
public struct YAMLLimits: Hashable, Sendable {
    /// Length of the text in bytes.
    public var bytesMax: Int
    /// Sequences and mappings inside one another, aliases expanded; never above `depthCeiling`.
    public var depthMax: Int
    /// Scalars (keys included), sequences and mappings, aliases expanded.
    public var nodesMax: Int
    /// Bytes of all scalars together, aliases expanded.
    public var textBytesMax: Int

    public init(
        bytesMax: Int = 1 << 20, depthMax: Int = 64, nodesMax: Int = 100_000, textBytesMax: Int = 4 << 20
    ) {
        self.bytesMax = bytesMax
        self.depthMax = min(depthMax, Self.depthCeiling)
        self.nodesMax = nodesMax
        self.textBytesMax = textBytesMax
    }

    public static let standard = YAMLLimits()
    /// What the stack of any thread holds.
    public static let depthCeiling = 512
}
