/// Text from outside as it may appear in a message: short, on one line, and never a credential.
enum DisplayedText {
    /// Longest text shown, in Unicode scalars.
    static let scalarsMax = 64

    /// A value in quotes: `"production"`.
    static func value(_ text: String) -> String { "\"" + body(text) + "\"" }

    /// A key as it stands in a path: bare where it is a plain name, else in quotes.
    static func key(_ text: String) -> String {
        let plain = !text.isEmpty && text.utf8.count <= scalarsMax && text.utf8.allSatisfy(isNameByte)
        if plain && !CredentialScanner.containsCredential(text) { return text }
        return value(text)
    }

    private static func body(_ text: String) -> String {
        if CredentialScanner.containsCredential(text) { return "(redacted)" }
        var shown = ""
        var count = 0
        for scalar in text.unicodeScalars {
            if count == scalarsMax { return shown + "…" }
            count += 1
            if scalar == "\"" || scalar == "\\" {
                shown += "\\"
                shown.unicodeScalars.append(scalar)
            } else if scalar.properties.generalCategory.isInvisible {
                shown += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension Unicode.GeneralCategory {
    /// Would break a line, reorder a text or not be seen.
    fileprivate var isInvisible: Bool {
        switch self {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}
