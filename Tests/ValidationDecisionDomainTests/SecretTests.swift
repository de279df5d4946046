import Testing

@testable import ValidationDecisionDomain

/// Credentials are put together here so that no scanner of repositories takes this file for a leak.
enum Planted {
    static let alnum36 = "abcdefghijklmnopqrstuvwxyz0123456789"
    static let tokens: [String] = [
        "AK" + "IAIOSFODNN7EXAMPLE", "AS" + "IAIOSFODNN7EXAMPLE",
        "gh" + "p_" + alnum36, "gh" + "o_" + alnum36, "gh" + "u_" + alnum36, "gh" + "s_" + alnum36,
        "gh" + "r_" + alnum36, "github" + "_pat_11ABCDEFG0abcdefghijkl_" + alnum36,
        "gl" + "pat-abcdefghij0123456789", "gl" + "rt-abcdefghij0123456789",
        "xo" + "xb-123456789012-123456789012-abcdefghij", "xo" + "xp-123456789012-abcdef", "xo" + "xa-2-1234567890",
        "sk" + "_live_" + "abcdefghijklmnop01234567", "rk" + "_live_" + "abcdefghijklmnop01234567",
        "sk" + "_test_" + "abcdefghijklmnop01234567",
        "AI" + "zaSyA-abcdefghijklmnopqrstuvwxyz_0123", "ya" + "29.a0AfH6SMBabcdefghijklmnop",
        "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "ey" + "JhbGciOiJub25lIn0.ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0.",
        "ey" + "AiYWxnIjogIkhTMjU2IiB9.ew" + "ogICJzdWIiOiAiMTIzIgp9.c2ln",
        "-----BEGIN PRI" + "VATE KEY-----\nMIIEvQIBADANBg\n-----END PRI" + "VATE KEY-----",
        "-----BEGIN RSA PRI" + "VATE KEY-----", "-----BEGIN EC PRI" + "VATE KEY-----",
        "-----BEGIN OPENSSH PRI" + "VATE KEY-----", "-----BEGIN ENCRYPTED PRI" + "VATE KEY-----",
        "-----BEGIN PGP PRI" + "VATE KEY BLOCK-----", "---- BEGIN SSH2 ENCRYPTED PRI" + "VATE KEY ----",
        "postgres://app:hun" + "ter2@db.internal:5432/app", "redis://:hun" + "ter2@cache:6379",
        "jdbc:postgresql://app:hun" + "ter2@db/app", "https://a:b@c", "amqp://u:p%40ss'x@h/v",
        "https://user:${A}${B}@h", "https://u:x:y@h",
    ]
    static let harmless: [String] = [
        "", "x", "AKIA", "AK" + "IAIOSFODNN7EXAMPL", "xAK" + "IAIOSFODNN7EXAMPLE", "AK" + "IAIOSFODNN7EXAMPLE1",
        "AK" + "IAIOSFODNN7examPLE", "ghp_short", "gh" + "x_" + alnum36, "xgh" + "p_" + alnum36, "glpat-short",
        "xoxb-1", "sk_live_", "pk" + "_live_" + "abcdefghijklmnop01234567", "task_live_abcdefghijklmnop01234567",
        "AI" + "zaTooShort", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9.e30.x", "a.b.c", "eyes.eyebrows.eyelids",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----",
        "BEGIN PRIVATE KEY", "postgres://app@db/app", "postgres://db:5432/app", "https://h/path:x@y", "https://u:@h",
        "https://h?x=a:b@c", "postgres://app:${DB_PASSWORD}@db/app", "postgres://app:{{password}}@db", "://a:b@c",
        "http://[::1]:80/", "mailto:a:b@c", "see https://h and mail a:b@c",
    ]
}

@Suite struct SecretTests {
    @Test("credentials are known by their form, anywhere in a text", arguments: Planted.tokens)
    func credentials(token: String) {
        for text in [token, "x=\(token)", "Bearer \(token) ", "a\n\(token)\nb", "\"\(token)\"", "é \(token)"] {
            #expect(CredentialScanner.containsCredential(text), "\(text)")
        }
    }

    @Test("a prefix may follow an underscore or dash")
    func afterUnderscore() {
        for token in Planted.tokens where !token.hasPrefix("-") {
            #expect(CredentialScanner.containsCredential("token_" + token), "\(token)")
        }
    }

    @Test("texts that only look similar are no credentials", arguments: Planted.harmless)
    func harmless(text: String) {
        #expect(!CredentialScanner.containsCredential(text))
    }

    @Test("long hostile texts are read to their end", arguments: [
        "eyJ-", "eyJaaaaaaa.", "ghp_", "github_pat_", "://", "a://b:", "a://@:", "-----BEGIN ", "----BEGIN P", "AKIA", "AIza",
        "xoxb-", "{{", "${", "glpat-", "aaaaaaaaaa", "\u{301}",
    ])
    func hostile(piece: String) {
        let text = String(repeating: piece, count: 60_000 / piece.utf8.count)
        _ = CredentialScanner.containsCredential(text)
        _ = SecretReference.matches(text)
        _ = SecretKeyName.matches(text)
        _ = DisplayedText.value(text)
        _ = WildcardAddress.isBound(byEntry: text)
    }

    @Test("keys are secret by the end of their name", arguments: [
        "secret", "secrets", "password", "passwd", "passphrase", "token", "apikey", "accesskey", "secretkey", "privatekey",
        "clientsecret", "credentials", "connectionstring", "DB_PASSWORD", "api-key", "api_key", "clientSecret", "x-auth-token",
        "SECRET_ACCESS_KEY", "_password_", "private-key-", "db.password", " password ",
    ])
    func keys(key: String) {
        #expect(SecretKeyName.matches(key))
    }

    @Test("other keys are not", arguments: [
        "secrets_ref", "secret_ref", "password_hash", "tokens", "token_ttl", "passwords", "key", "access_key_id", "", "word",
        "apikeys", "public_key", "connection_strings", "credential", "secretary",
    ])
    func otherKeys(key: String) {
        #expect(!SecretKeyName.matches(key))
    }

    @Test("references are exempt", arguments: [
        "vault://a/b", "secret://a", "secretref://a", "awssm://a", "gcpsm://a", "azurekv://a", "env://A", "file:///run/x",
        "arn:aws:secretsmanager:eu-west-1:1:secret:x", "${NAME}", "${db.password}", "${_A1}", "{{ vault.password }}",
        "{{x}}", " vault://a ", "{{ lookup('env', 'X') }}",
    ])
    func references(value: String) {
        #expect(SecretReference.matches(value))
    }

    @Test("values that only begin or end like a reference are not", arguments: [
        "hunter2", "vault:/a", "Vault://a", "xvault://a", "https://a", "${NAME", "${}", "${NAME:-hunter2}", "${NAME-hunter2}",
        "x${NAME}", "${NAME}x", "${A}${B}", "{{}}", "{{ }}", "{{ a }} hunter2 {{ b }}", "{{ a", "${1A}", "$NAME", "${",
        "{{ a }}x", "", "${NA ME}",
    ])
    func noReferences(value: String) {
        #expect(!SecretReference.matches(value))
    }
}
