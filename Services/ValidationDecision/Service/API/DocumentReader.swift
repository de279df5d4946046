import Crypto
import Encoding
import ValidationDecisionDomain

/// Turns the bytes of manifests and configurations into the domain's trees.
struct DocumentReader: Sendable {
    /// Bytes of one document.
    let bytesMax: Int

    func json(_ bytes: [UInt8]) -> Artifact<DocumentValue> {
        do throws(JSONError) {
            let value = try JSONReader.parse(bytes, limits: JSONLimits(bytesMax: bytesMax))
            return .parsed(DocumentValue(value))
        } catch {
            return .unparseable("JSON, \(error)")
        }
    }

    func yaml(_ bytes: [UInt8]) -> Artifact<DocumentValue> {
        do throws(YAMLError) {
            let node = try YAMLReader.parse(bytes, limits: YAMLLimits(bytesMax: bytesMax))
            return .parsed(DocumentValue(node))
        } catch {
            return .unparseable("YAML, \(error)")
        }
    }
}

extension DocumentValue {
    init(_ value: JSONValue) {
        self =
            switch value {
            case .null: .null
            case .bool(let value): .bool(value)
            case .number(let number): number.isPlainInteger ? .integer(number.text) : .float(number.text)
            case .string(let text): .string(text)
            case .array(let elements): .sequence(elements.map(DocumentValue.init))
            case .object(let object): .mapping(object.members.map { Entry($0.key, DocumentValue($0.value)) })
            }
    }
}

extension DocumentValue {
    init(_ node: YAMLNode) {
        switch node.content {
        case .scalar(let scalar):
            self =
                switch scalar.kind {
                case .null: .null
                case .bool: .bool(scalar.bool ?? false)
                case .int: .integer(scalar.text)
                case .float: .float(scalar.text)
                case .string: .string(scalar.text)
                }
        case .sequence(let nodes): self = .sequence(nodes.map(DocumentValue.init))
        case .mapping(let mapping):
            self = .mapping(mapping.entries.map { Entry($0.key.text, DocumentValue($0.value)) })
        }
    }
}

extension Digest32 {
    /// The same digest as the domain knows it.
    var content: ContentDigest? { ContentDigest(bytes: bytes) }
}
