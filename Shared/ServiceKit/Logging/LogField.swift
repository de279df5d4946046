/// One named value of a log line.
public struct LogField: Sendable {
    enum Value: Sendable {
        case text(String)
        case number(Int)
        /// Shown with three decimals.
        case milliseconds(Duration)
        case flag(Bool)
    }

    let name: StaticString
    let value: Value

    private init(_ name: StaticString, _ value: Value) {
        self.name = name
        self.value = value
    }

    public static func text(_ name: StaticString, _ value: String) -> Self { Self(name, .text(value)) }
    public static func number(_ name: StaticString, _ value: Int) -> Self { Self(name, .number(value)) }
    public static func flag(_ name: StaticString, _ value: Bool) -> Self { Self(name, .flag(value)) }

    /// A duration in milliseconds; end the name with `_ms`.
    public static func milliseconds(_ name: StaticString, _ value: Duration) -> Self { Self(name, .milliseconds(value)) }

    /// What is known of an error, without secrets.
    public static func error(_ error: any Error) -> Self { Self("error", .text(FailureText.of(error))) }
}
