/// What a migration claims (T1). Every known field is required, so a misspelling cannot skip a check; further ones are
/// ignored.
public struct MigrationManifest: Sendable, Hashable {
    public let appID: String
    /// As written; `DeploymentEnvironment` knows the allowed ones.
    public let env: String
    public let version: String
    /// The claim as written; `ContentDigest.matches(claim:)` judges it.
    public let configSHA256: String

    /// - Throws: all fields that are missing, blank or no string.
    public init(_ document: DocumentValue) throws(SchemaProblems) {
        guard case .mapping = document else {
            throw SchemaProblems([SchemaProblem("", "must be an object, not \(document.kindName)")])
        }
        var fields = FieldReader(format: .json)
        let appID = fields.text("app_id", of: document, at: "app_id")
        let env = fields.text("env", of: document, at: "env")
        let version = fields.text("version", of: document, at: "version")
        let hash = fields.text("config_sha256", of: document, at: "config_sha256")
        guard let appID, let env, let version, let hash else { throw SchemaProblems(fields.problems) }
        self.appID = appID
        self.env = env
        self.version = version
        self.configSHA256 = hash
    }
}
