internal import CLibpq

/// The keywords and values a connection is made with (libpq documentation, "Parameter Key Words").
struct ConnectionSettings: Sendable {
    /// In the order that libpq takes them: what stands before `dbname` is a default, what stands behind it overrides the URL.
    let parameters: [(String, String)]

    init(_ configuration: DatabaseConfiguration) {
        var options = ConnectionSettings.options(ofURL: configuration.url) ?? ""
        for (name, duration) in [
            ("statement_timeout", configuration.statementTimeout),
            ("idle_in_transaction_session_timeout", configuration.idleTransactionTimeout),
        ] {
            options += " -c \(name)=\(max(0, duration.milliseconds))"
        }
        // A statement whose client has gone ends within seconds.
        options += " -c client_connection_check_interval=5000"
        parameters = [
            ("application_name", configuration.applicationName),
            // A ticket cache lookup would block the loop.
            ("gssencmode", "disable"),
            // A peer that went away without a word is noticed in half a minute.
            ("keepalives_idle", "15"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
            ("dbname", configuration.url),
            ("options", options),
            ("client_encoding", "UTF8"),
        ]
    }

    /// nil when the URL is malformed.
    private static func options(ofURL url: String) -> String? {
        guard let parsed = PQconninfoParse(url, nil) else { return nil }
        defer { PQconninfoFree(parsed) }
        var entry = parsed
        while let keyword = entry.pointee.keyword {
            if String(cString: keyword) == "options", let value = entry.pointee.val { return String(cString: value) }
            entry += 1
        }
        return ""
    }

    static func isWellFormed(_ url: String) -> Bool { options(ofURL: url) != nil }
}

extension DatabaseConfiguration {
    /// Whether libpq understands ``url``. Says nothing about the server.
    public var urlIsWellFormed: Bool { !url.utf8.contains(0) && ConnectionSettings.isWellFormed(url) }
}

extension Duration {
    /// Whole milliseconds, rounded up, so that a short time never becomes none.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        if overflow { return seconds < 0 ? 0 : Int64(Int32.max) }
        return min(Int64(Int32.max), whole &+ (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
