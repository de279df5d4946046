import Testing

@testable import ValidationDecisionDomain

@Suite struct MigrationPolicyTests {
    @Test("well-formed artifacts that keep every rule are allowed")
    func allow() {
        let evaluation = judgeMigration()
        #expect(evaluation.decision == .allow)
        #expect(evaluation.verdict.reasons.isEmpty)
        #expect(evaluation.statusClass == .judged)
    }

    @Test("all failures are reported, in order, not only the first")
    func allReasons() {
        let config = map(["tls": map([:]), "ports": ["0.0.0.0:80"], "password": "hunter2"])
        let evaluation = judgeMigration(Good.migration.setting("env", "dev"), config, digest: Good.other)
        #expect(
            evaluation.codes == [
                .configHashMismatch, .unknownEnv, .tlsDisabledProd, .publicPortExposed, .secretsRefMissing, .secretsInline,
            ])
        #expect(evaluation.statusClass == .judged)
        #expect(!evaluation.verdict.reasons.contains { $0.message.contains("hunter2") })
    }

    @Test("the claimed hash must be the computed one")
    func hash() {
        let hex = Good.digest.hex
        for claim in [hex, hex.uppercased(), " \(hex)\n"] {
            #expect(judgeMigration(Good.migration.setting("config_sha256", .string(claim))).decision == .allow)
        }
        for claim in [Good.other.hex, "abc", hex + "0", String(hex.dropLast()), "sha256:" + hex] {
            let evaluation = judgeMigration(Good.migration.setting("config_sha256", .string(claim)))
            #expect(evaluation.codes == [.configHashMismatch])
            #expect(evaluation.statusClass == .judged)
        }
        #expect(judgeMigration(digest: nil).codes == [.configHashMismatch])
    }

    @Test("only prod and staging are environments, spelled exactly")
    func env() {
        #expect(judgeMigration(Good.migration.setting("env", "staging")).decision == .allow)
        for env in ["Prod", "PROD", "production", "prod ", " prod", "dev", "prod\u{0}", "stagíng", "prod\u{301}"] {
            #expect(judgeMigration(Good.migration.setting("env", .string(env))).codes == [.unknownEnv], "\(env)")
        }
    }

    @Test("TLS is on only with the boolean true, and only prod and unknown environments need it")
    func tls() {
        let off: [DocumentValue?] = [nil, false, "true", "yes", "on", 1, .null, [true], map(["enabled": true])]
        for value in off {
            let config = Good.config.setting("tls", map([:]).setting("enabled", value))
            #expect(judgeMigration(Good.migration, config).codes == [.tlsDisabledProd])
            #expect(judgeMigration(Good.migration.setting("env", "staging"), config).decision == .allow)
            #expect(
                judgeMigration(Good.migration.setting("env", "qa"), config).codes == [.unknownEnv, .tlsDisabledProd])
        }
    }

    @Test("secrets_ref is a string that is not blank, in every environment")
    func secretsRef() {
        for env in ["prod", "staging"] as [DocumentValue] {
            for value in [nil, .null, "", " \t", 5, true, ["vault://x"], map(["ref": "x"])] as [DocumentValue?] {
                let evaluation = judgeMigration(
                    Good.migration.setting("env", env), Good.config.setting("secrets_ref", value))
                #expect(evaluation.codes == [.secretsRefMissing])
                #expect(evaluation.statusClass == .judged)
            }
        }
    }

    @Test("tls must be a mapping and ports a sequence, both problems named")
    func form() {
        for value in [nil, .null, true, "on", [], 5] as [DocumentValue?] {
            #expect(judgeMigration(Good.migration, Good.config.setting("tls", value)).codes == [.schemaInvalid])
        }
        for value in [nil, .null, 443, "443", map(["a": 443])] as [DocumentValue?] {
            #expect(judgeMigration(Good.migration, Good.config.setting("ports", value)).codes == [.schemaInvalid])
        }
        let both = judgeMigration(Good.migration, map(["secrets_ref": ""]))
        #expect(both.codes == [.schemaInvalid])
        #expect(both.statusClass == .malformedInput)
        #expect(both.message(.schemaInvalid).hasSuffix(": app_config: tls is missing; app_config: ports is missing"))
        for config in [.null, "x", [], 5] as [DocumentValue] {
            #expect(judgeMigration(Good.migration, config).codes == [.schemaInvalid])
        }
    }

    @Test("everything wrong with the form of both documents is reported in one answer")
    func artifacts() {
        let states: [(Artifact<DocumentValue>, ReasonCode?)] = [
            (.missing, .schemaInvalid), (.unparseable("line 1"), .parseError), (.parsed(map([:])), .schemaInvalid),
            (.parsed("x"), .schemaInvalid),
        ]
        for (manifest, manifestCode) in states + [(.parsed(Good.migration), nil)] {
            for (config, configCode) in states + [(.parsed(Good.config), nil)] {
                let evaluation = MigrationPolicy.evaluate(
                    MigrationInput(manifest: manifest, config: config, configDigest: Good.digest))
                let expected = Set([manifestCode, configCode].compactMap(\.self)).sorted()
                #expect(evaluation.codes == expected)
                #expect(evaluation.statusClass == (expected.isEmpty ? .judged : .malformedInput))
                for (name, code) in [("migration_manifest", manifestCode), ("app_config", configCode)] {
                    if let code { #expect(evaluation.message(code).contains(name)) }
                }
            }
        }
    }

    @Test("what a message shows of a value is short, on one line and no credential")
    func shownValues() {
        func shown(_ env: String) -> String {
            judgeMigration(Good.migration.setting("env", .string(env))).message(.unknownEnv)
        }
        #expect(shown("a\"b\\\n\u{202E}").contains(#""a\"b\\\u{a}\u{202e}""#))
        #expect(shown(String(repeating: "x", count: 10_000)).utf8.count < 200)
        for token in Planted.tokens { #expect(!shown(token).contains(token)) }
    }
}
