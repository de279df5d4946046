import Encoding
import TestSupport
import Testing

/// Section 4 of the reference: manifest, hash, environment, TLS, `secrets_ref`.
@Suite(.serialized) struct MigrationConformanceTests {
    let target: Conformance

    init() async throws { target = try await Conformance.shared() }

    // MARK: Manifest

    static let good = Array(Conformance.config().utf8)
    static let goodHash = Conformance.sha256(good)
    static let fields = ["app_id", "env", "version", "config_sha256"]

    /// The manifest with one field's JSON text replaced, or removed.
    static func manifest(_ field: String, _ value: String?) -> [UInt8] {
        var members = [
            "app_id": "\"billing\"", "env": "\"prod\"", "version": "\"1\"", "config_sha256": "\"\(goodHash)\"",
        ]
        members[field] = value
        return Array(
            "{\(members.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", "))}".utf8)
    }

    @Test("a manifest's field is missing", arguments: fields)
    func missingField(_ field: String) async throws {
        let verdict = try await target.migrate(
            manifest: MigrationConformanceTests.manifest(field, nil), MigrationConformanceTests.good)
        verdict.expect(400, ["SCHEMA_INVALID"])
        #expect(verdict.message("SCHEMA_INVALID").contains(field))
    }

    @Test(
        "a manifest's field is no non-empty string", arguments: fields,
        ["\"\"", "null", "1", "true", "[]", "[\"a\"]", "{}"])
    func mistypedField(_ field: String, _ value: String) async throws {
        let manifest = MigrationConformanceTests.manifest(field, value)
        try await target.migrate(manifest: manifest, MigrationConformanceTests.good).expect(400, ["SCHEMA_INVALID"])
    }

    @Test("every missing field is named in one message")
    func allMissing() async throws {
        let verdict = try await target.migrate(manifest: Array("{}".utf8), MigrationConformanceTests.good)
        verdict.expect(400, ["SCHEMA_INVALID"])
        for field in MigrationConformanceTests.fields { #expect(verdict.message("SCHEMA_INVALID").contains(field)) }
    }

    @Test("a manifest that is no object", arguments: ["[]", "\"x\"", "1", "null", "true"])
    func noObject(_ text: String) async throws {
        try await target.migrate(manifest: Array(text.utf8), MigrationConformanceTests.good).expect(
            400, ["SCHEMA_INVALID"])
    }

    @Test("extra fields of a manifest are ignored", arguments: ["1", "{\"a\": [null]}", "\"x\"", "null"])
    func extraFields(_ value: String) async throws {
        let manifest = MigrationConformanceTests.manifest("extra", value)
        try await target.migrate(manifest: manifest, MigrationConformanceTests.good).expect(200, [])
    }

    // MARK: Hash

    @Test("a hash in another case or between blanks is the same hash")
    func hashSpelling() async throws {
        let hash = MigrationConformanceTests.goodHash
        let mixed = String(
            hash.enumerated().map { $0.offset.isMultiple(of: 2) ? Character($0.element.uppercased()) : $0.element })
        for spelling in [
            hash, hash.uppercased(), mixed, " \(hash)", "\(hash)  ", "  \(hash.uppercased()) ", "\\t\(hash)\\t",
        ] {
            let verdict = try await target.migrate(MigrationConformanceTests.good, hash: spelling)
            verdict.expect(200, [], spelling)
            #expect(verdict.hashes["config"]?.string == hash)
        }
    }

    @Test("another hash, or what is no SHA-256, is a mismatch")
    func mismatch() async throws {
        let hash = MigrationConformanceTests.goodHash
        let others = [
            Conformance.sha256([]), String(hash.dropLast()), hash + "0", "abc", String(repeating: "z", count: 64),
            "sha256:\(hash)",
            "0x\(hash)", "\(hash.prefix(32)) \(hash.suffix(32))", "\(hash) \(hash)", String(hash.reversed()) + "g",
            "\u{ff10}" + hash.dropFirst(),
        ]
        for other in others {
            for env in ["prod", "staging"] {
                let verdict = try await target.migrate(env: env, MigrationConformanceTests.good, hash: other)
                verdict.expect(200, ["CONFIG_HASH_MISMATCH"], other)
                #expect(verdict.hashes["config"]?.string == hash)
            }
        }
    }

    @Test("the bytes are hashed as they came: line ends, the last line end, blanks and marks count")
    func exactBytes() async throws {
        let lines = Conformance.config()
        let returns = lines.replacing("\n", with: "\r\n")
        let variants = [
            lines, returns, String(lines.dropLast()), lines + "\n", "\r\n" + returns, "# comment \u{e9}\n" + lines,
            lines + "# --\(FormBody.boundary)\n", lines + "# --\(FormBody.boundary)--", lines + "...\n",
        ]
        for variant in variants {
            let bytes = Array(variant.utf8)
            let verdict = try await target.migrate(bytes)
            #expect(!verdict.codes.contains("CONFIG_HASH_MISMATCH"), "\(variant.debugDescription)")
            #expect(verdict.hashes["config"]?.string ?? Conformance.sha256(bytes) == Conformance.sha256(bytes))
        }
        try await target.migrate(Array(returns.utf8)).expect(200, [])
        try await target.migrate(Array(lines.utf8), hash: Conformance.sha256(Array(returns.utf8))).expect(
            200, ["CONFIG_HASH_MISMATCH"])
        try await target.migrate(Array(returns.utf8), hash: Conformance.sha256(Array(lines.utf8))).expect(
            200, ["CONFIG_HASH_MISMATCH"])
    }

    // MARK: Environment

    @Test(
        "an env other than prod and staging, to the letter, is unknown",
        arguments: ["PROD", "Prod", "production", "dev", " prod", "prod ", "staging2", "stage", "prod\\n", "*"])
    func unknownEnv(_ env: String) async throws {
        try await target.migrate(env: env, Conformance.config()).expect(200, ["UNKNOWN_ENV"])
    }

    @Test("prod and staging are known", arguments: ["prod", "staging"])
    func knownEnv(_ env: String) async throws {
        try await target.migrate(env: env, Conformance.config()).expect(200, [])
    }

    /// Rule, a config that breaks it, and whether it applies in staging.
    static let rules: [Row<(code: String, config: String, everywhere: Bool)>] = [
        Row("TLS", ("TLS_DISABLED_PROD", Conformance.config(tls: "tls:\n  enabled: false"), false)),
        Row("ports", ("PUBLIC_PORT_EXPOSED", Conformance.config(ports: "ports: ['0.0.0.0:443']"), false)),
        Row("secrets_ref", ("SECRETS_REF_MISSING", Conformance.config(ref: ""), true)),
        Row("secrets", ("SECRETS_INLINE", Conformance.config("password: hunter2"), true)),
    ]

    @Test("each rule applies where the page says; in an unknown env as in prod", arguments: rules)
    func whereRulesApply(_ rule: Row<(code: String, config: String, everywhere: Bool)>) async throws {
        let (code, config, everywhere) = rule.value
        try await target.migrate(env: "prod", config).expect(200, [code])
        try await target.migrate(env: "staging", config).expect(200, everywhere ? [code] : [])
        try await target.migrate(env: "qa", config).expect(200, ["UNKNOWN_ENV", code])
    }

    @Test("all rules that fail are reported, in the order of section 6")
    func everything() async throws {
        let config = Array(
            Conformance.config(
                tls: "tls: {enabled: no}", ports: "ports: ['0.0.0.0:1']", ref: "secrets_ref: ' '", "token: abc"
            ).utf8)
        let verdict = try await target.migrate(env: "qa", config, hash: "abc")
        let prod = ["TLS_DISABLED_PROD", "PUBLIC_PORT_EXPOSED"]
        verdict.expect(
            200, ["CONFIG_HASH_MISMATCH", "UNKNOWN_ENV"] + prod + ["SECRETS_REF_MISSING", "SECRETS_INLINE"])
        try await target.migrate(env: "prod", config, hash: "abc")
            .expect(200, ["CONFIG_HASH_MISMATCH"] + prod + ["SECRETS_REF_MISSING", "SECRETS_INLINE"])
        try await target.migrate(env: "staging", config, hash: "abc")
            .expect(200, ["CONFIG_HASH_MISMATCH", "SECRETS_REF_MISSING", "SECRETS_INLINE"])
    }

    // MARK: TLS

    @Test("only the boolean true enables TLS", arguments: ["true", "True", "TRUE", "true # comment"])
    func enabled(_ value: String) async throws {
        try await target.migrate(Conformance.config(tls: "tls:\n  enabled: \(value)")).expect(200, [])
        try await target.migrate(Conformance.config(tls: "tls: {min_version: '1.2', enabled: \(value.prefix(4))}"))
            .expect(200, [])
    }

    @Test(
        "everything else leaves TLS disabled",
        arguments: [
            "false", "False", "yes", "Yes", "on", "ON", "y", "\"true\"", "'true'", "tRUE", "1", "0x1", "null", "~", "",
            "[true]", "{a: true}",
            "|\n    true", "\"True\"", "true false", "enabled",
        ])
    func disabled(_ value: String) async throws {
        let config = Conformance.config(tls: "tls:\n  enabled: \(value)")
        try await target.migrate(config).expect(200, ["TLS_DISABLED_PROD"])
        try await target.migrate(env: "staging", config).expect(200, [])
    }

    @Test(
        "a tag that makes the value a string is no ALLOW in prod",
        arguments: ["!!str true", "!str true", "!<tag:yaml.org,2002:str> true"])
    func tagged(_ value: String) async throws {
        let verdict = try await target.migrate(Conformance.config(tls: "tls:\n  enabled: \(value)"))
        verdict.expectBlocked([200, 400], oneOf: ["TLS_DISABLED_PROD", "PARSE_ERROR"])
    }

    @Test(
        "a tls mapping without enabled leaves TLS disabled",
        arguments: ["tls: {}", "tls: {Enabled: true}", "tls: {'enabled ': true}"])
    func withoutEnabled(_ tls: String) async throws {
        try await target.migrate(Conformance.config(tls: tls)).expect(200, ["TLS_DISABLED_PROD"])
    }

    @Test(
        "tls is no mapping",
        arguments: ["", "tls:", "tls: null", "tls: true", "tls: enabled", "tls: [enabled]", "TLS: {enabled: true}"])
    func noMapping(_ tls: String) async throws {
        let verdict = try await target.migrate(env: "staging", Conformance.config(tls: tls))
        verdict.expect(400, ["SCHEMA_INVALID"])
        #expect(verdict.message("SCHEMA_INVALID").contains("tls"))
    }

    // MARK: secrets_ref

    @Test(
        "an absent, null, non-string or blank secrets_ref is missing",
        arguments: [
            "", "secrets_ref:", "secrets_ref: null", "secrets_ref: ~", "secrets_ref: ''", "secrets_ref: \"  \\t \"",
            "secrets_ref: 5",
            "secrets_ref: true", "secrets_ref: 1.5", "secrets_ref: []", "secrets_ref: [vault://x]",
            "secrets_ref: {a: b}", "secretsref: vault://x",
        ],
        ["prod", "staging"])
    func refMissing(_ ref: String, _ env: String) async throws {
        try await target.migrate(env: env, Conformance.config(ref: ref)).expect(200, ["SECRETS_REF_MISSING"])
    }

    @Test(
        "any other string will do",
        arguments: ["vault://path", "x", "'5'", "yes", "\"true\"", "hunter2", "'{{ ref }}'"])
    func refThere(_ ref: String) async throws {
        try await target.migrate(Conformance.config(ref: "secrets_ref: \(ref)")).expect(200, [])
    }
}
