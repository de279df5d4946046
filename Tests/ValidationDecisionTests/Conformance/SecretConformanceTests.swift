import Encoding
import Foundation
import TestSupport
import Testing

/// Section 4 of the reference: inline secrets.
@Suite(.serialized) struct SecretConformanceTests {
    let target: Conformance

    init() async throws { target = try await Conformance.shared() }

    static let names = [
        "secret", "secrets", "password", "passwd", "passphrase", "token", "apikey", "accesskey", "secretkey",
        "privatekey", "clientsecret",
        "credentials", "connectionstring",
    ]

    /// The name in spellings that are one after `-`, `_` and case are gone.
    static func spellings(_ name: String) -> [String] {
        let middle = name.index(name.startIndex, offsetBy: name.count / 2)
        return [
            name, name.uppercased(), name.capitalized, "\(name[..<middle])_\(name[middle...])",
            "\(name[..<middle])-\(name[middle...])".uppercased(),
            "db_\(name)", "DB-\(name.uppercased())", "my\(name.capitalized)", "_\(name)_", "--\(name)",
        ]
    }

    @Test("a string under a key whose name is or ends in one of the listed", arguments: names)
    func keys(_ name: String) async throws {
        for key in SecretConformanceTests.spellings(name) {
            try await found("zebra77", in: "'\(key)': zebra77", at: key)
            try await found("zebra77", in: "outer:\n  inner:\n    - plain\n    - \"\(key)\": zebra77", at: key)
        }
        try await found("zebra77", in: "database:\n  \(name): zebra77", at: "database.\(name)")
    }

    private func found(_ value: String, in extra: String, at path: String, location: SourceLocation = #_sourceLocation)
        async throws
    {
        for env in ["prod", "staging"] {
            let verdict = try await target.migrate(env: env, Conformance.config(extra))
            verdict.expect(200, ["SECRETS_INLINE"], extra, location: location)
            #expect(
                verdict.message("SECRETS_INLINE").contains(path), "\(verdict.response.text)", sourceLocation: location)
            #expect(!verdict.response.text.contains(value), "\(verdict.response.text)", sourceLocation: location)
        }
    }

    @Test(
        "keys that only resemble the listed",
        arguments: [
            "tokens", "tokenizer", "password_file", "secret_name", "passwords_max", "token_ttl", "api_key_id",
            "apikeys", "credential", "pass", "key", "auth",
            "connection_strings",
        ])
    func otherKeys(_ key: String) async throws { try await clean("\(key): zebra77") }

    private func clean(_ extra: String, location: SourceLocation = #_sourceLocation) async throws {
        try await target.migrate(Conformance.config(extra)).expect(200, [], extra, location: location)
    }

    @Test(
        "values that are no non-blank string",
        arguments: ["''", "\"  \\t\"", "12345", "1.5", "true", "null", "~", "", "[]", "{}", "0x1F"])
    func noString(_ value: String) async throws { try await clean("password: \(value)") }

    @Test(
        "yes, on and quoted numbers are strings",
        arguments: ["yes", "on", "no", "'12345'", "\"true\"", "|\n  hunter2", "1_000"])
    func strings(_ value: String) async throws {
        try await target.migrate(Conformance.config("password: \(value)")).expect(200, ["SECRETS_INLINE"])
    }

    @Test(
        "references are no secrets",
        arguments: [
            "vault://billing/db", "secret://a/b", "secretref://a", "awssm://a", "gcpsm://a", "azurekv://a",
            "env://DB_PASSWORD", "file:///run/secrets/db",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db", "${DB_PASSWORD}", "{{ db_password }}",
            "{{db_password}}", "{{ vault('a') | b }}",
        ])
    func references(_ value: String) async throws {
        for name in SecretConformanceTests.names {
            try await clean("db_\(name): '\(value.replacing("'", with: "''"))'")
        }
    }

    @Test(
        "values that only resemble references",
        arguments: [
            "x vault://billing/db", "vault:/billing", "vaults://x", "arn:aws:s3:::bucket", "prefix-${NAME}",
            "${NAME}-suffix", "${A", "$NAME", "{{ name }} x",
            "x{{ name }}", "{ name }", "https://example.com/x", "env:NAME",
        ])
    func noReferences(_ value: String) async throws {
        try await found(value, in: "password: '\(value)'", at: "password")
    }

    @Test("secrets_ref itself is exempt from (a), wherever its value is no secret of (b)")
    func refExempt() async throws {
        try await target.migrate(Conformance.config(ref: "secrets_ref: hunter2")).expect(200, [])
        try await target.migrate(Conformance.config(ref: "secrets_ref: \(SecretConformanceTests.aws)")).expect(
            200, ["SECRETS_INLINE"])
    }

    // MARK: (b)

    static let aws = "AKIA" + "Q3EGV7PXWNS5TK2J"
    static func digits(_ count: Int) -> String {
        String(String(repeating: "a1B2c3D4e5F6g7H8", count: 20).prefix(count))
    }

    /// Made of pieces, so that no scanner takes this file for a leak.
    static let tokens: [Row<String>] = [
        Row("AWS", aws), Row("AWS, temporary", "ASIA" + "Q3EGV7PXWNS5TK2J"),
        Row("GitHub, personal", "ghp" + "_" + digits(36)), Row("GitHub, OAuth", "gho" + "_" + digits(36)),
        Row("GitHub, user", "ghu" + "_" + digits(36)),
        Row("GitHub, server", "ghs" + "_" + digits(36)), Row("GitHub, refresh", "ghr" + "_" + digits(36)),
        Row("GitHub, fine-grained", "github" + "_pat_" + digits(22) + "_" + digits(59)),
        Row("GitLab", "glpat" + "-" + digits(20)),
        Row("Slack, bot", "xoxb" + "-123456789012-1234567890123-" + digits(24)),
        Row("Slack, user", "xoxp" + "-123456789012-123456789012-" + digits(32)),
        Row("Stripe, live", "sk" + "_live_" + digits(24)), Row("Stripe, restricted", "rk" + "_live_" + digits(24)),
        Row("Stripe, test", "sk" + "_test_" + digits(24)),
        Row("Google", "AIza" + digits(35)),
        Row("JWT", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0." + digits(43)),
        Row("URL", "https://user:" + "hunter2@example.com/x"),
        Row("URL of a database", "postgres://app:" + "hunter2@db.internal:5432/billing"),
        Row("URL without a user", "redis://:" + "hunter2@cache:6379/0"),
    ]

    @Test("a token anywhere", arguments: tokens)
    func anywhere(_ row: Row<String>) async throws {
        let token = row.value
        try await found(token, in: "note: '\(token)'", at: "note")
        try await found(token, in: "outer:\n  list:\n    - plain\n    - \"\(token)\"", at: "outer.list")
        try await found(token, in: "text: |\n  first line\n  see \(token) for more\n", at: "text")
        try await found(token, in: "note: \"use '\(token)', please\"", at: "note")
        if !token.contains("://") { try await found(token, in: "url: https://example.com/?t=\(token)", at: "url") }
    }

    @Test("a PEM private key block anywhere", arguments: ["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED "])
    func pem(_ kind: String) async throws {
        let (begin, end) = ("-----BEGIN \(kind)PRIVATE " + "KEY-----", "-----END \(kind)PRIVATE " + "KEY-----")
        let body = SecretConformanceTests.digits(64)
        try await found(body, in: "cert: |\n  \(begin)\n  \(body)\n  \(end)\n", at: "cert")
        try await found(body, in: "outer:\n  cert: \"\(begin)\\n\(body)\\n\(end)\\n\"", at: "outer.cert")
    }

    @Test(
        "what is no token",
        arguments: [
            "AKIA", "AKIA123", "ghp_short", "glpat", "xoxb", "AIza", "eyJ", "a.b.c", "https://user@example.com/",
            "https://example.com:8080/x", "postgres://db/billing",
            "mailto:a:b@c", "-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----", "https://example.com/a:b@c",
            "sk_live", "12:30@noon",
        ])
    func noToken(_ value: String) async throws { try await clean("note: '\(value)'") }

    @Test("the message lists every path once, and the log no value")
    func everyPlace() async throws {
        let verdict = try await target.migrate(
            Conformance.config(
                "database:\n  password: zebra77\nmail:\n  smtp_token: zebra78\nnote: \(SecretConformanceTests.aws)"))
        verdict.expect(200, ["SECRETS_INLINE"])
        for path in ["database.password", "mail.smtp_token", "note"] {
            #expect(verdict.message("SECRETS_INLINE").contains(path))
        }
        let records = try await target.service.send(
            "GET", "\(Page.log)?request_id=\(verdict.requestID)", token: target.service.auditorToken)
        for value in ["zebra77", "zebra78", SecretConformanceTests.aws] {
            #expect(!records.text.contains(value))
            #expect(!target.service.process.log.contains(value))
        }
    }
}
