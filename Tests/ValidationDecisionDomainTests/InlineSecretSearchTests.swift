import Testing

@testable import ValidationDecisionDomain

@Suite struct InlineSecretSearchTests {
    private func judge(_ key: String, _ value: DocumentValue) -> Evaluation {
        judgeMigration(Good.migration, Good.config.setting(key, value))
    }

    @Test("a string under a secret key is found at any depth and named by its path")
    func paths() {
        let cases: [(String, DocumentValue, String)] = [
            ("password", "hunter2", "password"),
            ("database", map(["user": "app", "password": "hunter2"]), "database.password"),
            ("services", [map(["a": 1]), map(["api-key": "hunter2"])], "services[1].api-key"),
            ("ports", [443, "80", map(["token": "hunter2"])], "ports[2].token"),
            ("tls", map(["enabled": true, "private_key": "hunter2"]), "tls.private_key"),
            ("auth", map(["secrets": ["hunter2", "vault://x"]]), "auth.secrets[0]"),
            ("a b", map(["token": "hunter2"]), #""a b".token"#),
            ("matrix", [[map(["token": "x"])]], "matrix[0][0].token"),
        ]
        for (key, value, path) in cases {
            let evaluation = judge(key, value)
            #expect(evaluation.codes == [.secretsInline], "\(path)")
            #expect(evaluation.message(.secretsInline) == "Inline secrets detected in config: \(path)")
            #expect(evaluation.statusClass == .judged)
        }
    }

    @Test("references, blanks, numbers and mappings under a secret key are no inline secrets")
    func exempt() {
        let values: [DocumentValue] = [
            "vault://db/password", "${DB_PASSWORD}", "{{ vault.db }}", "", "   ", "\n\t", .null, true, 4096,
            .float("1.5"), [], ["vault://x", "${Y}"], map(["provider": "vault", "path": "db"]), map([:]),
        ]
        for value in values {
            #expect(judge("db_password", value).decision == .allow, "\(value)")
        }
    }

    @Test("secrets_ref is no secret key, yet a credential in it is found")
    func secretsRef() {
        #expect(judge("secrets_ref", "kv/billing/prod").decision == .allow)
        #expect(judge("secrets_ref", .string(Planted.tokens[0])).codes == [.secretsInline])
    }

    @Test("a credential is found under any key, and as a reference", arguments: Planted.tokens)
    func credentials(token: String) {
        #expect(judge("note", .string("see \(token)")).message(.secretsInline).hasSuffix(": note"))
        #expect(judge("list", ["x", [.string(token)]]).message(.secretsInline).hasSuffix(": list[1][0]"))
        #expect(judge("password", .string("vault://\n\(token)")).codes == [.secretsInline])
    }

    @Test("a credential as a key is found and not shown", arguments: Planted.tokens)
    func credentialKeys(token: String) {
        #expect(judge("outer", .mapping([.init(token, 1)])).codes == [.secretsInline])
        let evaluation = judge("outer", map(["a": .mapping([.init(token, map(["password": "hunter2"]))])]))
        let message = evaluation.message(.secretsInline)
        #expect(message.contains(#"outer.a."(redacted)" (the key itself)"#))
        #expect(message.contains(#"outer.a."(redacted)".password"#))
        #expect(!message.contains(token))
    }

    @Test("all environments are searched, and all places named")
    func environments() {
        let config = Good.config.setting("b", map(["token": "x", "password": "y"])).setting("a_secret", "z")
        for env in ["prod", "staging"] as [DocumentValue] {
            let message = judgeMigration(Good.migration.setting("env", env), config).message(.secretsInline)
            #expect(message.hasSuffix(": a_secret; b.password; b.token"))
        }
    }

    @Test("many secrets under a long key give a short message")
    func hostile() {
        let key = String(repeating: "k", count: 200_000) + "_token"
        let config = Good.config.setting(key, .sequence(Array(repeating: "x", count: 100_000)))
        let message = judgeMigration(Good.migration, config).message(.secretsInline)
        #expect(message.hasSuffix("and 99900 more"))
        #expect(message.utf8.count < 40_000)
    }

    @Test("nesting within the limit is searched, beyond it malformed input")
    func depth() {
        func nested(_ levels: Int) -> DocumentValue {
            (1..<levels).reduce(map(["token": "x"])) { value, _ in map(["n": value]) }
        }
        #expect(judge("deep", nested(AppConfig.depthMax - 1)).codes == [.secretsInline])
        #expect(judge("deep", nested(AppConfig.depthMax)).codes == [.schemaInvalid])
    }
}
