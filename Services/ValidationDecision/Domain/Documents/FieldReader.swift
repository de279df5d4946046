/// Reads the fields of one mapping and remembers all problems instead of stopping at the first.
struct FieldReader {
    let format: DocumentFormat
    private(set) var problems: [SchemaProblem] = []

    init(format: DocumentFormat) { self.format = format }

    /// A required string that is not blank. A problem gives nil.
    mutating func text(_ key: String, of mapping: DocumentValue, at path: String) -> String? {
        guard let value = mapping[key] else { return problem(path, "is missing") }
        guard let text = asText(value) else { return problem(path, "must be a string, not \(value.kindName)") }
        guard !isBlank(text) else { return problem(path, "must not be blank") }
        return text
    }

    /// A string that may be absent or null. A stored one fits the audit log: bounded and free of control characters.
    mutating func optionalNote(_ key: String, of mapping: DocumentValue, at path: String) -> String? {
        guard let value = mapping[key], value != .null else { return nil }
        guard let text = asText(value) else { return problem(path, "must be a string, not \(value.kindName)") }
        guard text.utf8.count <= Self.noteBytesMax else {
            return problem(path, "must not exceed \(Self.noteBytesMax) bytes")
        }
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            return problem(path, "must not hold control characters")
        }
        return text
    }

    /// Notes every key outside `allowed`, in an order that does not depend on theirs.
    mutating func refuseUnknownKeys(of mapping: DocumentValue, allowed: [String], under prefix: String) {
        guard case .mapping(let entries) = mapping else { return }
        let unknown = entries.map(\.key).filter { key in !allowed.contains { sameBytes($0, key) } }
        for key in unknown.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            problems.append(SchemaProblem(prefix + DisplayedText.key(key), "is not a known key"))
        }
    }

    mutating func note(_ path: String, _ text: String) { problems.append(SchemaProblem(path, text)) }

    /// Longest `policy_version` or `change_id`, in bytes.
    static let noteBytesMax = 256

    private mutating func problem(_ path: String, _ text: String) -> String? {
        note(path, text)
        return nil
    }

    /// The text of a scalar. In YAML a plain one that looks like a number or boolean counts as its text; null never.
    private func asText(_ value: DocumentValue) -> String? {
        switch (value, format) {
        case (.string(let text), _): text
        case (.integer(let text), .yaml), (.float(let text), .yaml): text
        case (.bool(let flag), .yaml): flag ? "true" : "false"
        default: nil
        }
    }
}

/// Nothing but white space.
func isBlank(_ text: String) -> Bool { text.unicodeScalars.allSatisfy(isWhiteSpace) }

/// `text` without white space at its ends. By scalars: a blank with a combining mark is no blank.
func trimmed(_ text: Substring) -> Substring {
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { !isWhiteSpace($0) }),
        let last = scalars.lastIndex(where: { !isWhiteSpace($0) })
    else { return text.prefix(0) }
    return Substring(scalars[first...last])
}

/// White_Space of Unicode; ASCII without the table.
private func isWhiteSpace(_ scalar: Unicode.Scalar) -> Bool {
    guard !scalar.isASCII else { return scalar == " " || (0x09...0x0D).contains(scalar.value) }
    return scalar.properties.isWhitespace
}
