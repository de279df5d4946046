import Encoding

/// Replaces the secrets of a run by a mark, in whatever form output has them: as they are, as parts of JSON (once and twice
/// over), in quotes of YAML, Python or a shell, percent-encoded, line by line.
struct SecretMask: Sendable {
    static let mark: [UInt8] = Array("********".utf8)

    /// By first byte, longer ones first: what contains another secret goes as a whole.
    private let patterns: [[[UInt8]]]
    /// Bytes of the longest form.
    let longest: Int

    init(_ secrets: [String]) {
        var forms: Set<[UInt8]> = []
        for secret in secrets {
            for piece in Self.pieces(of: secret) { forms.formUnion(Self.forms(of: piece)) }
        }
        forms = forms.filter { $0.count >= RunnerLimits.maskedBytesMin }
        var table = [[[UInt8]]](repeating: [], count: 256)
        for form in forms.sorted(by: { $0.count > $1.count }) { table[Int(form[0])].append(form) }
        patterns = table
        longest = forms.map(\.count).max() ?? 0
    }

    func mask(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let bytes = Array(bytes)
        guard longest > 0 else { return bytes }
        var masked: [UInt8] = []
        masked.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if let length = match(bytes, at: index) {
                masked += Self.mark
                index += length
            } else {
                masked.append(bytes[index])
                index += 1
            }
        }
        return masked
    }

    func mask(_ text: String) -> String {
        guard longest > 0 else { return text }
        return String(decoding: mask(Array(text.utf8)), as: UTF8.self)
    }

    /// Every string in it, keys included.
    func mask(_ value: JSONValue) -> JSONValue {
        guard longest > 0 else { return value }
        switch value {
        case .string(let text): return .string(mask(text))
        case .array(let elements): return .array(elements.map(mask))
        case .object(let object): return .object(mask(object))
        case .null, .bool, .number: return value
        }
    }

    func mask(_ object: JSONObject) -> JSONObject {
        var masked = JSONObject()
        for member in object.members { masked[mask(member.key)] = mask(member.value) }
        return masked
    }

    private func match(_ bytes: [UInt8], at index: Int) -> Int? {
        for pattern in patterns[Int(bytes[index])] where pattern.count <= bytes.count - index {
            var offset = 1
            while offset < pattern.count, bytes[index + offset] == pattern[offset] { offset += 1 }
            if offset == pattern.count { return offset }
        }
        return nil
    }

    /// The secret and, where it has several, its lines: output is told line by line. The frame of a PEM file is no secret.
    private static func pieces(of secret: String) -> [String] {
        let lines = secret.split(whereSeparator: \.isNewline).map(String.init)
        guard lines.count > 1 else { return [secret] + lines }
        var pieces = [secret]
        for line in lines where !line.hasPrefix("-----") {
            pieces.append(line)
            // name = value
            if let sign = line.firstIndex(of: "=") {
                let value = line[line.index(after: sign)...].drop { $0 == " " }
                if value.utf8.count >= 8 { pieces.append(String(value)) }
            }
        }
        return pieces.filter { $0.utf8.count >= 8 }
    }

    private static func forms(of text: String) -> Set<[UInt8]> {
        let inJSON = jsonEscaped(text, ascii: false)
        let inASCII = jsonEscaped(text, ascii: true)
        let texts = [
            text, inJSON, inASCII, jsonEscaped(inJSON, ascii: false), jsonEscaped(inASCII, ascii: true),
            text.replacing("'", with: "''"), text.replacing("'", with: #"'"'"'"#), text.replacing("'", with: #"'\''"#),
            text.replacing("\\", with: "\\\\").replacing("'", with: "\\'"), percentEncoded(text),
        ]
        return Set(texts.map { Array($0.utf8) })
    }

    private static func jsonEscaped(_ text: String, ascii: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": escaped += "\\\""
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\r": escaped += "\\r"
            case "\t": escaped += "\\t"
            default:
                if scalar.value < 0x20 || (ascii && scalar.value > 0x7E) {
                    for unit in String(scalar).utf16 {
                        escaped += "\\u" + Hex.encode([UInt8(unit >> 8), UInt8(unit & 0xFF)])
                    }
                } else {
                    escaped.unicodeScalars.append(scalar)
                }
            }
        }
        return escaped
    }

    private static func percentEncoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return encoded
    }
}
