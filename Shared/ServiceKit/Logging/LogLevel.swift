/// How much a log line matters.
public enum LogLevel: String, Sendable, CaseIterable, Comparable {
    case debug
    case info
    case warn
    case error

    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    static var parser: ValueParser<LogLevel> {
        ValueParser(expected: "one of " + allCases.map(\.rawValue).joined(separator: ", ")) { LogLevel(rawValue: $0) }
    }

    var rank: Int {
        switch self {
        case .debug: 0
        case .info: 1
        case .warn: 2
        case .error: 3
        }
    }
}

/// The form of log lines.
public enum LogFormat: String, Sendable, CaseIterable {
    /// One JSON object per line.
    case json
    /// `TIME LEVEL message key=value`, for people.
    case text

    static var parser: ValueParser<LogFormat> {
        ValueParser(expected: "json or text") { LogFormat(rawValue: $0) }
    }
}
