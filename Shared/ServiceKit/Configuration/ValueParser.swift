public import EventLoop

/// How one textual value, of the environment or of the command line, becomes a typed one.
///
/// A parser names what it accepts, so that a refusal can say what was expected without a message of its own.
public struct ValueParser<Value: Sendable>: Sendable {
    /// What is accepted, as it reads after "must be": `a whole number from 1 to 256`.
    public let expected: String
    /// The value, or nil where the text is malformed.
    public let parse: @Sendable (String) -> Value?

    /// - Parameter expected: a noun phrase that reads after "must be".
    public init(expected: String, parse: @escaping @Sendable (String) -> Value?) {
        self.expected = expected
        self.parse = parse
    }

    /// The same parser where a value may be absent.
    public var optional: ValueParser<Value?> {
        let parse = self.parse
        return ValueParser<Value?>(expected: expected) { text in
            guard let value = parse(text) else { return nil }
            return .some(.some(value))
        }
    }
}

extension ValueParser where Value == String {
    /// Any text without control characters.
    public static var text: Self {
        ValueParser(expected: "text without control characters") { text in
            text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } ? text : nil
        }
    }

    /// One of the given words.
    public static func choice(_ words: [String]) -> Self {
        ValueParser(expected: "one of " + words.joined(separator: ", ")) { words.contains($0) ? $0 : nil }
    }

    /// The origin of an http or https URL: scheme, host and port, no path.
    public static var origin: Self {
        ValueParser(expected: "an origin such as https://host.example:8443, without a path") { text in
            guard let url = URLText(text), url.scheme == "http" || url.scheme == "https", url.userinfo == nil,
                url.rest.isEmpty || url.rest == "/"
            else { return nil }
            return url.rest.isEmpty ? text : String(text.dropLast())
        }
    }

    /// An absolute http or https URL without user name or password.
    public static var httpURL: Self {
        ValueParser(expected: "an absolute http or https URL without user name and password") { text in
            guard let url = URLText(text), url.scheme == "http" || url.scheme == "https", url.userinfo == nil else {
                return nil
            }
            return text
        }
    }

    /// A libpq connection URI.
    public static var databaseURL: Self {
        ValueParser(expected: "a PostgreSQL URI such as postgres://role@host/database") { text in
            guard let scheme = URLText.schemePart(of: text), scheme == "postgres" || scheme == "postgresql" else {
                return nil
            }
            return text
        }
    }

    /// An absolute path of the file system.
    public static var absolutePath: Self {
        ValueParser(expected: "an absolute path") { text in
            text.hasPrefix("/") && !text.unicodeScalars.contains { $0.value < 0x20 } ? text : nil
        }
    }
}

extension ValueParser where Value == Int {
    /// A whole number in decimal digits within `range`.
    public static func integer(in range: ClosedRange<Int>) -> Self {
        let expected =
            range.upperBound == Int.max
            ? "a whole number, at least \(range.lowerBound)"
            : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return ValueParser(expected: expected) { text in
            guard let value = Int(text), range.contains(value), !text.hasPrefix("+") else { return nil }
            return value
        }
    }
}

extension ValueParser where Value == Bool {
    /// `true` or `false`.
    public static var flag: Self {
        ValueParser(expected: "true or false") { text in
            switch text {
            case "true": true
            case "false": false
            default: nil
            }
        }
    }
}

extension ValueParser where Value == Duration {
    /// A whole number of milliseconds within `range`.
    public static func milliseconds(in range: ClosedRange<Int>) -> Self {
        let number = ValueParser<Int>.integer(in: range)
        return ValueParser(expected: number.expected + " (milliseconds)") { number.parse($0).map { .milliseconds($0) } }
    }

    /// A whole number of seconds within `range`.
    public static func seconds(in range: ClosedRange<Int>) -> Self {
        let number = ValueParser<Int>.integer(in: range)
        return ValueParser(expected: number.expected + " (seconds)") { number.parse($0).map { .seconds($0) } }
    }
}

extension ValueParser where Value == [String] {
    /// Words separated by commas; blanks around them are dropped, an empty word is malformed.
    public static var list: Self {
        ValueParser(expected: "words separated by commas") { text in
            let words = text.split(separator: ",", omittingEmptySubsequences: false).map { trimmed($0) }
            return words.contains("") ? nil : words
        }
    }

    private static func trimmed(_ word: Substring) -> String {
        var word = word
        while word.first == " " { word.removeFirst() }
        while word.last == " " { word.removeLast() }
        return String(word)
    }
}

extension ValueParser where Value == SocketAddress {
    /// `127.0.0.1:8081`, `[::1]:8081` or `unix:/path`.
    public static var socketAddress: Self {
        ValueParser(expected: "an address and port such as 127.0.0.1:8081 or [::1]:8081, or unix:/path") { text in
            try? SocketAddress(parsing: text)
        }
    }
}
