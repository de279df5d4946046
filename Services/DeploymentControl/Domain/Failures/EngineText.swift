/// Texts that the engine wrote, made fit for logs (reference 7.8) and for the matching of words.
public enum EngineText {
    public static let scalarsMax = 240
    /// What is looked at of a text. The rest is dropped.
    static let bytesMax = 4096
    static let mark = "[redacted]"

    /// Without secrets, URLs cut to scheme and host, on one line, at most ``scalarsMax`` code points. Applied twice it changes nothing more.
    public static func redacted(_ text: String) -> String {
        let short = replacingURLs(in: withoutSecrets(text)) { "\($0.scheme)://\($0.host)" }
        // What is left of a URL may read as the name of a secret with what follows it.
        return onOneLine(withoutSecrets(short))
    }

    /// Without addresses and without the phrases that the engine puts around every text, which would otherwise decide its category:
    /// names of pipelines and stages are chosen by people and say nothing about a failure.
    static func withoutBoilerplate(_ text: String) -> String {
        var text = replacingURLs(in: String(decoding: text.utf8.prefix(bytesMax), as: UTF8.self)) { _ in " " }
        for opening in ["Exception in child pipeline stage (", "Unable to trigger pipeline ("] {
            // A child of a child repeats the phrase.
            while let start = text.firstRange(of: opening) {
                text.removeSubrange(start.lowerBound..<endOfParenthesis(in: text, from: start.upperBound))
            }
        }
        return text
    }

    /// Past the parenthesis that closes what is open at `index`, and past `: ` or `. Error: ` behind it.
    private static func endOfParenthesis(in text: String, from index: String.Index) -> String.Index {
        var depth = 1
        var end = index
        while end < text.endIndex, depth > 0 {
            if text[end] == "(" { depth += 1 }
            if text[end] == ")" { depth -= 1 }
            end = text.index(after: end)
        }
        for tail in [". Error: ", ": "] where text[end...].hasPrefix(tail) {
            return text.index(end, offsetBy: tail.count)
        }
        return end
    }

    /// Control characters and runs of white space become one blank; then cut.
    static func onOneLine(_ text: String, scalarsMax: Int = EngineText.scalarsMax) -> String {
        var result = String.UnicodeScalarView()
        var count = 0
        var owesBlank = false
        for scalar in text.unicodeScalars {
            if scalar.properties.isWhitespace || scalar.properties.generalCategory == .control {
                owesBlank = count > 0
                continue
            }
            if owesBlank {
                guard count < scalarsMax - 1 else { break }
                result.append(" ")
                count += 1
                owesBlank = false
            }
            guard count < scalarsMax else { break }
            result.append(scalar)
            count += 1
        }
        return String(result)
    }

    // MARK: URLs

    struct FoundURL {
        var scheme: String
        /// Without user name, password and port.
        var host: String
    }

    static func replacingURLs(in text: String, with replacement: (FoundURL) -> String) -> String {
        var result = ""
        var rest = text[...]
        while let mark = rest.firstRange(of: "://") {
            let before = rest[..<mark.lowerBound]
            let scheme = before.suffixWhile { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
            var end = rest[mark.upperBound...].firstIndex { $0.isWhitespace || #""'<>`\"#.contains($0) } ?? rest.endIndex
            while end > mark.upperBound, ").,;:".contains(rest[rest.index(before: end)]) { end = rest.index(before: end) }
            result += before[..<scheme.startIndex]
            result += replacement(FoundURL(scheme: String(scheme), host: host(of: rest[mark.upperBound..<end])))
            rest = rest[end...]
        }
        return result + rest
    }

    private static func host(of afterScheme: Substring) -> String {
        let end = afterScheme.firstIndex { "/?#".contains($0) } ?? afterScheme.endIndex
        var authority = afterScheme[..<end]
        if let at = authority.lastIndex(of: "@") {
            authority = authority[authority.index(after: at)...]
        } else if authority.contains(":"), !authority.hasPrefix("["), let at = afterScheme.lastIndex(of: "@") {
            // A password may itself hold an unescaped slash.
            let after = afterScheme[afterScheme.index(after: at)...]
            authority = after[..<(after.firstIndex { "/?#".contains($0) } ?? after.endIndex)]
        }
        if authority.hasPrefix("[") {
            return String(authority[..<(authority.firstIndex(of: "]").map { authority.index(after: $0) } ?? authority.endIndex)])
        }
        return String(authority.prefix { $0 != ":" })
    }
}

extension Substring {
    fileprivate func suffixWhile(_ isWanted: (Character) -> Bool) -> Substring {
        var start = endIndex
        while start > startIndex, isWanted(self[index(before: start)]) { start = index(before: start) }
        return self[start...]
    }
}
