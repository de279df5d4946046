import Encoding
import EventLoop
import TestSupport
import Testing

/// A client of the build operations.
struct BuildsClient: Sendable {
    let fixture: BuildsFixture
    let address: SocketAddress
    var name: String
    let pid: Int32

    static func key() -> String { "key-\(UInt64.random(in: 0 ... .max))" }

    func named(_ name: String) -> BuildsClient {
        var other = self
        other.name = name
        return other
    }

    /// - Parameter key: nil for none.
    func send(
        _ method: String, _ target: String, _ body: String = "", key: String? = BuildsClient.key(), fields: [String: String] = [:]
    ) async throws -> TestResponse {
        var all = fields
        if let token = fixture.tokens[name] { all["Authorization"] = "Bearer \(token)" }
        if let key, method == "POST" { all["Idempotency-Key"] = key }
        if !body.isEmpty, all["Content-Type"] == nil { all["Content-Type"] = "application/json" }
        return try await TestClient.exchange(address, method, target, fields: all, body: Array(body.utf8))
    }

    func issue(
        _ artifact: TestArtifact, version: String, key: String = BuildsClient.key()
    ) async throws -> TestResponse {
        try await send("POST", "/v1/builds/upload-capability", Self.expectation(artifact, version), key: key)
    }

    /// Issues a capability and returns its members.
    func capability(_ artifact: TestArtifact, version: String) async throws -> UploadOffer {
        let response = try await issue(artifact, version: version)
        try #require(response.status == 201, "\(response.text)")
        return try UploadOffer(response)
    }

    func upload(
        _ grant: UploadOffer, _ bytes: [UInt8], fields: [String: String] = [:], target: String? = nil, at other: SocketAddress? = nil
    ) async throws -> TestResponse {
        var all = grant.fields.merging(fields) { $1 }
        all = all.filter { !$0.value.isEmpty }
        return try await TestClient.exchange(other ?? grant.address, "PUT", target ?? grant.target, fields: all, body: bytes)
    }

    func register(
        _ artifact: TestArtifact, version: String, reference: String, key: String = BuildsClient.key()
    ) async throws -> TestResponse {
        try await send("POST", "/v1/builds", Self.registration(artifact, version, reference), key: key)
    }

    /// All three steps.
    func publish(_ artifact: TestArtifact, version: String) async throws -> TestResponse {
        let grant = try await capability(artifact, version: version)
        let uploaded = try await upload(grant, artifact.bytes)
        try #require(uploaded.status == 201, "\(uploaded.text)")
        return try await register(artifact, version: version, reference: grant.reference)
    }

    static func expectation(_ artifact: TestArtifact, _ version: String) -> String {
        """
        {"service":"\(BuildsFixture.service)","version":"\(version)","expectedSizeBytes":\(artifact.bytes.count),\
        "expectedSha256":"\(artifact.sha256)","contentType":"\(artifact.contentType)"}
        """
    }

    static func registration(_ artifact: TestArtifact, _ version: String, _ reference: String) -> String {
        """
        {"service":"\(BuildsFixture.service)","version":"\(version)","artifactRef":"\(reference)","sha256":"\(artifact.sha256)",\
        "sizeBytes":\(artifact.bytes.count),"contentType":"\(artifact.contentType)"}
        """
    }
}

/// What a capability says.
struct UploadOffer: Sendable {
    let url: String
    let address: SocketAddress
    /// Path and query.
    let target: String
    let fields: [String: String]
    let reference: String
    let expiresAt: Timestamp

    init(_ response: TestResponse) throws {
        let object = try response.object()
        url = try #require(object["uploadUrl"]?.string)
        let rest = url.dropFirst("http://".count)
        let slash = try #require(rest.firstIndex(of: "/"))
        address = try SocketAddress(parsing: String(rest[..<slash]))
        target = String(rest[slash...])
        var fields = ["Host": String(rest[..<slash])]
        for member in object["uploadHeaders"]?.object?.members ?? [] {
            fields[member.key == "content-type" ? "Content-Type" : member.key] = member.value.string
        }
        self.fields = fields
        reference = try #require(object["artifactRef"]?.string)
        expiresAt = try #require(object["expiresAt"]?.string.flatMap { Timestamp($0) })
    }
}

extension TestResponse {
    func object() throws -> JSONObject { try #require(try JSONReader.parse(body).object, "\(text)") }

    /// `details.reason`
    var reason: String? { try? JSONReader.parse(body).object?["details"]?.object?["reason"]?.string }
}
