/// The T1 rules.
///
/// A total, pure function. Form comes first: where a document is missing, unparseable or malformed, everything wrong
/// with the form of both documents is reported and the request is malformed input. The rules run only when both
/// documents are well-formed, and then all of them run. A finding is never taken back, so a further violation can
/// change which reasons are given but never turn BLOCK into ALLOW.
public enum MigrationPolicy {
    public static func evaluate(_ input: MigrationInput) -> Evaluation {
        var form = Findings()
        let manifest = readRequired(input.manifest, called: "migration_manifest", &form, MigrationManifest.init)
        let config = readRequired(input.config, called: "app_config", &form, AppConfig.init)
        guard let manifest, let config, form.isEmpty else { return .malformed(form) }
        var broken = Findings()
        judge(manifest, config, input.configDigest, &broken)
        return .judged(broken)
    }

    private static func judge(
        _ manifest: MigrationManifest, _ config: AppConfig, _ digest: ContentDigest?, _ broken: inout Findings
    ) {
        if digest?.matches(claim: manifest.configSHA256) != true {
            let isHash = ContentDigest(claim: manifest.configSHA256) != nil
            broken.add(.configHashMismatch, isHash ? "config_sha256 differs" : "config_sha256 is not a SHA-256")
        }
        let environment = DeploymentEnvironment(exactly: manifest.env)
        if environment == nil {
            broken.add(.unknownEnv, "env \(DisplayedText.value(manifest.env)) is neither prod nor staging")
        }
        // An unknown environment is judged as prod.
        if environment != .staging {
            if !config.isTLSEnabled { broken.add(.tlsDisabledProd, "tls.enabled is not the boolean true") }
            PortExposure.findAll(in: config, &broken)
        }
        if !config.hasSecretsReference { broken.add(.secretsRefMissing, "secrets_ref must be a non-blank string") }
        InlineSecretSearch.findAll(in: config, &broken)
    }
}

/// Reads one required document, adding what is wrong with its form.
func readRequired<Value>(
    _ artifact: Artifact<DocumentValue>, called name: String, _ form: inout Findings,
    _ make: (DocumentValue) throws(SchemaProblems) -> Value
) -> Value? {
    switch artifact {
    case .missing: form.add(.schemaInvalid, "\(name) is missing")
    case .unparseable(let why): form.add(.parseError, "\(name): \(why)")
    case .parsed(let document):
        do throws(SchemaProblems) {
            return try make(document)
        } catch {
            for problem in error.problems { form.add(.schemaInvalid, "\(name): \(problem)") }
        }
    }
    return nil
}

extension RawRepresentable where RawValue == String, Self: CaseIterable {
    /// Byte for byte; no Unicode equivalence.
    init?(exactly text: String) {
        guard let match = Self.allCases.first(where: { sameBytes($0.rawValue, text) }) else { return nil }
        self = match
    }
}
