import Crypto
import Encoding
import TestSupport

/// A migration to be validated, with the answer that it must get.
struct MigrationCase: Sendable {
    let parts: [FormPart]
    let status: Int
    let reasons: [String]
    /// SHA-256 of the configuration, as the answer repeats it.
    let configHash: String

    var decision: String { reasons.isEmpty ? "ALLOW" : "BLOCK" }

    static let kinds = 5

    /// Kinds 0 and 1 are good, the others are not.
    ///
    /// - Parameter number: makes the configuration's bytes different from those of any other number.
    init(kind: Int, number: Int) {
        let tls = kind == 2 ? "false" : "true"
        let config = """
            tls:
              enabled: \(tls)
            ports: ["127.0.0.1:8443:443"]
            secrets_ref: vault://billing/\(number)

            """
        configHash = Hex.encode(SHA256.hash(Array(config.utf8)).bytes)
        let expected = kind == 3 ? String(repeating: "0", count: 64) : configHash
        let env = kind == 1 ? "staging" : "prod"
        var manifest = #"{"app_id": "billing", "env": "\#(env)", "version": "1.4.2", "config_sha256": "\#(expected)"}"#
        if kind == 4 { manifest.removeLast() }
        parts = [FormPart("migration_manifest", manifest), FormPart("app_config", filename: "app.yaml", config)]
        status = kind == 4 ? 400 : 200
        reasons =
            switch kind {
            case 2: ["TLS_DISABLED_PROD"]
            case 3: ["CONFIG_HASH_MISMATCH"]
            case 4: ["PARSE_ERROR"]
            default: []
            }
    }

    /// The whole request.
    func request(token: String, fields: [String: String] = [:]) -> [UInt8] {
        let form = FormBody(parts)
        var fields = fields
        fields["Authorization"] = "Bearer \(token)"
        fields["Content-Type"] = form.contentType
        return TestClient.encode("POST", "/api/v1/validate/migration", fields: fields, body: form.bytes)
    }
}

/// What a client was told.
struct Told: Sendable, Equatable {
    let status: Int
    let requestID: String
    let decision: String
    let reasons: [String]

    init(_ response: TestResponse) throws {
        let json = try JSONReader.parse(response.body)
        guard let id = json["request_id"]?.string, let decision = json["decision"]?.string,
            let reasons = json["reasons"]?.array
        else { throw TestClientError.malformed(response.text) }
        status = response.status
        requestID = id
        self.decision = decision
        self.reasons = reasons.compactMap { $0["code"]?.string }
    }

    /// The answer to a request that the service could not complete.
    var isFailure: Bool { status == 500 }
}
