/// An engine's text as an ordinary caller may read it (reference 3.6): beyond what ``EngineText/redacted(_:)`` takes out it names no
/// host, address, id, path or part of the engine, and shows neither stack traces nor payloads.
public enum PublicDetail {
    /// nil where nothing readable is left.
    public static func from(_ text: String) -> String? {
        let plain = EngineText.withoutBoilerplate(EngineText.withoutSecrets(text))
        // From the first brace on it is a payload.
        let readable = plain.prefix { $0 != "{" }
        let lines = readable.split(whereSeparator: \.isNewline).filter { !isStackFrame($0) }
        let words = lines.flatMap { $0.split(whereSeparator: \.isWhitespace) }.compactMap(publicWord)
        let detail = EngineText.onOneLine(words.joined(separator: " "))
        let trimmed = detail.trimming { " :;,-\"'(".contains($0) }
        return trimmed.unicodeScalars.contains { $0.properties.isAlphabetic } && !trimmed.isOnlyMarks ? String(trimmed) : nil
    }

    private static func isStackFrame(_ line: Substring) -> Bool {
        let line = line.drop { $0.isWhitespace }
        return (line.hasPrefix("at ") && line.contains("(")) || line.hasPrefix("Caused by") || line.hasPrefix("...")
            || line.hasPrefix("Traceback") || line.hasPrefix("File \"")
    }

    /// nil where the word is left out.
    private static func publicWord(_ word: Substring) -> String? {
        let core = word.trimming { !($0.isLetter || $0.isNumber || $0 == "/") }
        guard !core.isEmpty else { return String(word) }
        guard let start = word.ranges(of: core).first else { return String(word) }
        if word.contains(EngineText.mark) { return EngineText.mark }
        func replaced(_ text: String) -> String { word[..<start.lowerBound] + text + word[start.upperBound...] }
        let lower = core.lowercased()
        if isClassName(core) { return nil }
        if lower.hasPrefix("arn:") { return replaced("[resource]") }
        if core.contains("@") { return replaced("[user]") }
        if isIdentifier(core) { return replaced("[id]") }
        let authority = core.prefix { $0 != "/" }
        if core.hasPrefix("/"), core.dropFirst().contains("/") { return replaced("[path]") }
        if isHost(authority) { return replaced(authority.endIndex == core.endIndex ? "[host]" : "[address]") }
        if let name = standIn(forName: lower) { return replaced(name) }
        // A name with an assignment or a list in it may hide any of these.
        if core.contains("="), let equals = core.firstIndex(of: "="), equals < core.endIndex,
            let value = publicWord(core[core.index(after: equals)...])
        {
            return replaced(String(core[...equals]) + value)
        }
        return String(word)
    }

    /// What stands for the engine's own words.
    private static func standIn(forName lower: String) -> String? {
        let parts = ["spinnaker", "orca", "clouddriver", "kato", "front50", "igor", "rosco", "fiat", "kayenta", "halyard"]
        switch lower {
        case "stage": return "step"
        case "stages": return "steps"
        case "pipelines": return "rollouts"
        case "webhook": return "call"
        default: break
        }
        if lower.contains("pipeline") { return "rollout" }
        let pieces = lower.split { !($0.isLetter || $0.isNumber) }
        return pieces.contains { piece in parts.contains { piece == $0 } } ? "delivery system" : nil
    }

    /// UUIDs, ULIDs, long hexadecimal and decimal numbers.
    private static func isIdentifier(_ core: Substring) -> Bool {
        let bytes = core.utf8
        let digits = bytes.filter { (48...57).contains($0) }.count
        guard digits > 0 else { return false }
        if bytes.count == 26 { return bytes.allSatisfy { (48...57).contains($0) || (65...90).contains($0) } }
        let isHexadecimal = bytes.allSatisfy {
            (48...57).contains($0) || (97...102).contains($0) || (65...70).contains($0) || $0 == UInt8(ascii: "-")
        }
        return isHexadecimal && (bytes.count >= 16 || digits >= 10)
    }

    /// `com.example.SomeException`
    private static func isClassName(_ core: Substring) -> Bool {
        let labels = core.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 3, let last = labels.last?.first, last.isUppercase else { return false }
        return labels.allSatisfy { label in
            !label.isEmpty && label.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_")
                    || byte == UInt8(ascii: "$")
            }
        }
    }

    private static let fileEndings: Set<String> = [
        "zip", "gz", "tgz", "tar", "yaml", "yml", "json", "txt", "log", "jar", "war", "py", "js", "sh", "xml", "html", "csv",
    ]

    /// A host name with at least one dot, an IPv4 address, or anything with a port.
    private static func isHost(_ text: Substring) -> Bool {
        var name = text
        if let colon = text.lastIndex(of: ":") {
            let port = text[text.index(after: colon)...]
            guard !port.isEmpty, port.utf8.count <= 5, port.utf8.allSatisfy({ (48...57).contains($0) }) else { return false }
            name = text[..<colon]
            let isLabel = !name.isEmpty && name.utf8.allSatisfy(isNameByte)
            if isLabel, name.first?.isLetter == true { return true }
        }
        guard !name.isEmpty, name.utf8.allSatisfy(isNameByte) else { return false }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 2, let first = labels.first, let last = labels.last, !labels.contains("") else { return false }
        if labels.count == 4, labels.allSatisfy({ UInt8($0) != nil }) { return true }
        // A version begins with a number of its own.
        guard !first.allSatisfy(\.isNumber), last.utf8.count >= 2, last.utf8.allSatisfy({ $0 >= 65 }) else { return false }
        return !fileEndings.contains(last.lowercased())
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
    }
}

extension StringProtocol where SubSequence == Substring {
    fileprivate func trimming(_ isUnwanted: (Character) -> Bool) -> Substring {
        var rest = self[...]
        while let first = rest.first, isUnwanted(first) { rest = rest.dropFirst() }
        while let last = rest.last, isUnwanted(last) { rest = rest.dropLast() }
        return rest
    }
}

extension StringProtocol {
    /// Nothing is said beside the marks that stand for what was taken out.
    fileprivate var isOnlyMarks: Bool {
        split(separator: " ").allSatisfy { $0.hasPrefix("[") && $0.hasSuffix("]") }
    }
}
