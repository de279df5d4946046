/// An application configuration whose form is right; the rules judge what it says.
public struct AppConfig: Sendable, Hashable {
    /// One entry of `ports`.
    public enum Port: Sendable, Hashable {
        case number(Int)
        case text(String)
        case mapping([DocumentValue.Entry])
    }

    /// Deepest nesting of mappings and sequences, the root being 1. Bounds the recursion of every walk over it.
    public static let depthMax = 256

    public let document: DocumentValue
    public let ports: [Port]

    /// Whether `tls.enabled` is the boolean true; the string "true" and `yes` are not.
    public var isTLSEnabled: Bool { document["tls"]?["enabled"] == .bool(true) }

    /// Whether `secrets_ref` is a string that is not blank.
    public var hasSecretsReference: Bool {
        guard case .string(let text) = document["secrets_ref"] else { return false }
        return !isBlank(text)
    }

    /// - Throws: `tls` no mapping, `ports` no sequence, port entries of another kind, nesting past `depthMax`.
    public init(_ document: DocumentValue) throws(SchemaProblems) {
        guard case .mapping = document else {
            throw SchemaProblems([SchemaProblem("", "must be a mapping, not \(document.kindName)")])
        }
        guard Self.isNested(document, within: Self.depthMax) else {
            throw SchemaProblems([SchemaProblem("", "nests deeper than \(Self.depthMax) levels")])
        }
        var problems: [SchemaProblem] = []
        switch document["tls"] {
        case .mapping: break
        case nil: problems.append(SchemaProblem("tls", "is missing"))
        case let other?: problems.append(SchemaProblem("tls", "must be a mapping, not \(other.kindName)"))
        }
        var ports: [Port] = []
        switch document["ports"] {
        case .sequence(let entries): ports = Self.ports(entries, &problems)
        case nil: problems.append(SchemaProblem("ports", "is missing"))
        case let other?: problems.append(SchemaProblem("ports", "must be a sequence, not \(other.kindName)"))
        }
        guard problems.isEmpty else { throw SchemaProblems(problems) }
        self.document = document
        self.ports = ports
    }

    private static func ports(_ entries: [DocumentValue], _ problems: inout [SchemaProblem]) -> [Port] {
        var ports: [Port] = []
        ports.reserveCapacity(entries.count)
        for (index, entry) in entries.enumerated() {
            switch entry {
            case .integer(let text):
                if let number = integer(text), (1...65535).contains(number) {
                    ports.append(.number(number))
                } else {
                    problems.append(SchemaProblem("ports[\(index)]", "must be from 1 to 65535"))
                }
            case .string(let text): ports.append(.text(text))
            case .mapping(let pairs): ports.append(.mapping(pairs))
            default:
                let wanted = "must be an integer, a string or a mapping, not \(entry.kindName)"
                problems.append(SchemaProblem("ports[\(index)]", wanted))
            }
        }
        return ports
    }

    /// An integer of the YAML 1.2 core schema (decimal with sign, `0o`, `0x`); nil where it does not fit.
    private static func integer(_ text: String) -> Int? {
        if text.hasPrefix("0x") { return unsigned(text.dropFirst(2), radix: 16) }
        if text.hasPrefix("0o") { return unsigned(text.dropFirst(2), radix: 8) }
        return Int(text)
    }

    private static func unsigned(_ digits: Substring, radix: Int) -> Int? {
        guard let first = digits.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
        return Int(digits, radix: radix)
    }

    private static func isNested(_ value: DocumentValue, within levels: Int) -> Bool {
        switch value {
        case .sequence(let items): levels > 0 && items.allSatisfy { isNested($0, within: levels - 1) }
        case .mapping(let entries): levels > 0 && entries.allSatisfy { isNested($0.value, within: levels - 1) }
        default: true
        }
    }
}
