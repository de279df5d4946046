import Encoding
import EventLoop
import Foundation
import Postgres
import TestSupport
import Testing

extension BuildsTests {
    @Suite struct BuildsRefusalTests {
        /// A body with one member replaced (`nil`: left out).
        private static func body(_ base: String, _ name: String, _ json: String?) throws -> String {
            let members = try #require(try JSONReader.parse(base).object).members
            let kept = try members.compactMap { member -> String? in
                if member.key == name { return json.map { "\"\(name)\":\($0)" } }
                var writer = JSONWriter()
                writer.value(member.value)
                return "\"\(member.key)\":\(try #require(String(bytes: writer.finish(), encoding: .utf8)))"
            }
            return "{\(kept.joined(separator: ","))}"
        }

        /// Member, its JSON or none, and what it is refused with.
        private static func cases(size: String, digest: String) -> [(String, String?, Int, String, String?)] {
            var cases: [(String, String?, Int, String, String?)] = []
            for name in ["service", "version", size, digest, "contentType"] {
                cases.append((name, nil, 400, "INVALID_REQUEST", nil))
                cases.append((name, "null", 400, "INVALID_REQUEST", nil))
                cases.append((name, "[1]", 400, "INVALID_REQUEST", nil))
            }
            for name in [digest, "contentType", "version", "service"] { cases.append((name, "7", 400, "INVALID_REQUEST", nil)) }
            cases += [
                ("service", "\"other\"", 403, "SERVICE_NOT_ALLOWLISTED", nil), ("service", "\"\"", 403, "SERVICE_NOT_ALLOWLISTED", nil),
                ("service", "\"Demo-Service\"", 403, "SERVICE_NOT_ALLOWLISTED", nil),
                ("service", "\"demo-service\\u0000\"", 403, "SERVICE_NOT_ALLOWLISTED", nil),
                ("version", "\"1.0\"", 400, "INVALID_REQUEST", nil), ("version", "\"1.0.0\\n\"", 400, "INVALID_REQUEST", nil),
                ("version", "\"1.0.0/..\"", 400, "INVALID_REQUEST", nil),
                (size, "\"12\"", 400, "INVALID_REQUEST", nil), (size, "1.5", 400, "INVALID_REQUEST", nil),
                (size, "0", 400, "INVALID_ARTIFACT", "SIZE_LIMIT"), (size, "-5", 400, "INVALID_ARTIFACT", "SIZE_LIMIT"),
                (size, "209715201", 400, "INVALID_ARTIFACT", "SIZE_LIMIT"), (size, "1e30", 400, "INVALID_ARTIFACT", "SIZE_LIMIT"),
                (size, "99999999999999999999", 400, "INVALID_ARTIFACT", "SIZE_LIMIT"),
                (digest, "\"abc\"", 400, "INVALID_ARTIFACT", "CHECKSUM_FORMAT"),
                (digest, "\"\"", 400, "INVALID_ARTIFACT", "CHECKSUM_FORMAT"),
                ("contentType", "\"zip\"", 400, "INVALID_ARTIFACT", "TYPE_NOT_ALLOWED"),
                ("contentType", "\"application/zip; charset=utf-8\"", 400, "INVALID_ARTIFACT", "TYPE_NOT_ALLOWED"),
            ]
            return cases
        }

        private func check(
            _ client: BuildsClient, _ path: String, _ base: String, _ cases: [(String, String?, Int, String, String?)]
        ) async throws {
            for (name, json, status, code, reason) in cases {
                let response = try await client.send("POST", path, try Self.body(base, name, json))
                #expect(response.status == status, "\(path) \(name): \(json ?? "missing"): \(response.text)")
                #expect(response.code == code && response.reason == reason, "\(path) \(name): \(json ?? "missing"): \(response.text)")
            }
            for (bad, fields, status, code) in [
                ("[]", [:], 400, "INVALID_REQUEST"), ("{", [:], 400, "INVALID_REQUEST"),
                (#"{"service":"a","service":"b"}"#, [:], 400, "INVALID_REQUEST"), ("", [:], 400, "INVALID_REQUEST"),
                (base, ["Content-Type": "text/plain"], 415, "INVALID_REQUEST"),
                ("\"" + String(repeating: "x", count: 70_000) + "\"", [:], 413, "INVALID_REQUEST"),
            ] as [(String, [String: String], Int, String)] {
                let response = try await client.send("POST", path, bad, fields: fields)
                #expect(response.status == status && response.code == code, "\(bad.prefix(40)): \(response.text)")
            }
            #expect(try await client.send("POST", path, base, key: nil).code == "IDMP_KEY_REQUIRED")
            #expect(try await client.send("POST", path, base, key: " ").code == "IDMP_KEY_REQUIRED")
            #expect(try await client.send("POST", path, base, key: String(repeating: "k", count: 256)).code == "INVALID_REQUEST")
            for name in ["eye", "dev"] {
                let refused = try await client.named(name).send("POST", path, "rubbish", key: nil)
                #expect(refused.status == 403 && refused.code == "ROLE_FORBIDDEN")
            }
            let anonymous = try await client.named("nobody").send("POST", path, "rubbish", key: nil)
            #expect(anonymous.status == 401 && anonymous.code == "UNAUTHORIZED")
            let method = try await client.send("DELETE", path)
            #expect(method.status == 405 && method.code == "METHOD_NOT_ALLOWED" && method.field("allow") != nil)
        }

        @Test("what is wrong with a request for a capability has its code, and costs nothing")
        func capabilities() async throws {
            try await BuildsFixture.with { fixture in
                try await fixture.serving { client in
                    let base = BuildsClient.expectation(.zip(), "1.0.0")
                    try await check(
                        client, "/v1/builds/upload-capability", base,
                        Self.cases(size: "expectedSizeBytes", digest: "expectedSha256"))
                    #expect(try await fixture.used("uploadCapabilities") == 0)
                    // A key that was refused may be used again, with another body.
                    let key = BuildsClient.key()
                    #expect(try await client.send("POST", "/v1/builds/upload-capability", "{}", key: key).status == 400)
                    #expect(try await client.issue(.zip(), version: "1.0.0", key: key).status == 201)
                    let conflict = try await client.issue(.zip(1), version: "1.0.0", key: key)
                    #expect(conflict.status == 409 && conflict.code == "IDEMPOTENCY_CONFLICT")
                    #expect(try await client.issue(.zip(1), version: "1.0.0", key: "\"\(key)\"").code == "IDEMPOTENCY_CONFLICT")
                    #expect(try await client.named("root").issue(.zip(1), version: "1.0.0", key: key).status == 201, "another client's key")
                }
            }
        }

        @Test("what is wrong with a registration has its code, in check order")
        func registrations() async throws {
            try await BuildsFixture.with { fixture in
                try await fixture.serving { client in
                    let artifact = TestArtifact.zip()
                    let reference = "artifact://demo-service/1.0.0/\(artifact.sha256).zip"
                    let base = BuildsClient.registration(artifact, "1.0.0", reference)
                    var cases = Self.cases(size: "sizeBytes", digest: "sha256")
                    for bad in ["", "x", "local:/etc/passwd", "s3://bucket/x.zip", "artifact://", "artifact://demo-service",
                        "artifact://demo-service/../1.0.0/\(artifact.sha256).zip", "ARTIFACT\(reference.dropFirst(8))", reference + "/",
                        "artifact://other/1.0.0/\(artifact.sha256).zip", "artifact://demo-service/1.0.1/\(artifact.sha256).zip",
                        String(repeating: "a", count: 2000)]
                    {
                        cases.append(("artifactRef", "\"\(bad)\"", 400, "INVALID_ARTIFACT", "SOURCE_NOT_ALLOWED"))
                    }
                    cases.append(("artifactRef", nil, 400, "INVALID_REQUEST", nil))
                    cases.append(("artifactRef", "5", 400, "INVALID_REQUEST", nil))
                    try await check(client, "/v1/builds", base, cases)

                    func reason(_ client: BuildsClient) async throws -> String? {
                        let response = try await client.register(artifact, version: "1.0.0", reference: reference)
                        #expect(response.status == 400 && response.code == "INVALID_ARTIFACT", "\(response.text)")
                        return response.reason
                    }
                    #expect(try await reason(client) == "NO_CAPABILITY")
                    let expired = try await client.capability(artifact, version: "1.0.0")
                    try await fixture.expireCapabilities()
                    #expect(try await reason(client) == "CAPABILITY_EXPIRED")
                    let late = try await client.upload(expired, artifact.bytes)
                    #expect(late.status == 400 && late.reason == "CAPABILITY_EXPIRED" && late.closes)
                    let offer = try await client.capability(artifact, version: "1.0.0")
                    #expect(try await reason(client) == "NOT_UPLOADED")
                    #expect(try await reason(client.named("ci-two")) == "NO_CAPABILITY", "a capability is its client's")
                    #expect(try await client.upload(offer, artifact.bytes).status == 201)

                    let file = "\(fixture.root)/demo-service/1.0.0/\(artifact.sha256).zip"
                    try Data(artifact.bytes + [0]).write(to: URL(fileURLWithPath: file))
                    #expect(try await reason(client) == "SIZE_MISMATCH")
                    var other = artifact.bytes
                    other[40] ^= 1
                    try Data(other).write(to: URL(fileURLWithPath: file))
                    #expect(try await reason(client) == "CHECKSUM_MISMATCH")
                    #expect(try await client.upload(offer, artifact.bytes).status == 200, "what was spoiled is replaced")
                    #expect(try await client.register(artifact, version: "1.0.0", reference: reference).status == 201)

                    // A file that somebody put there: the digest is right, the type is not.
                    let text = TestArtifact(bytes: Array("this is no archive at all, only text".utf8), contentType: "application/zip")
                    let forged = try await client.capability(text, version: "1.0.1")
                    try FileManager.default.createDirectory(atPath: "\(fixture.root)/demo-service/1.0.1", withIntermediateDirectories: true)
                    try Data(text.bytes).write(to: URL(fileURLWithPath: "\(fixture.root)/demo-service/1.0.1/\(text.sha256).zip"))
                    let untyped = try await client.register(text, version: "1.0.1", reference: forged.reference)
                    #expect(untyped.status == 400 && untyped.reason == "TYPE_MISMATCH")

                    for response in [
                        try await client.register(.zip(1), version: "1.0.0", reference: reference),
                        try await client.issue(.zip(1), version: "1.0.0"),
                    ] {
                        #expect(response.status == 409 && response.code == "BUILD_REGISTRATION_CONFLICT")
                        let details = try response.object()["details"]?.object
                        #expect(details?["artifactRef"]?.string == reference && details?["sha256"]?.string == artifact.sha256)
                    }
                    #expect(try await fixture.used("buildRegistrations") == 1)
                }
            }
        }

        @Test("an upload needs an address that was signed, as it was signed")
        func addresses() async throws {
            try await BuildsFixture.with { fixture in
                try await fixture.serving { client in
                    let artifact = TestArtifact.zip()
                    let offer = try await client.capability(artifact, version: "1.0.0")
                    let target = offer.target
                    let digits = try #require(target.split(separator: "/").last?.prefix(64))
                    var bent = [
                        String(target.prefix { $0 != "?" }), target.replacingOccurrences(of: "1.0.0", with: "1.0.1"),
                        target.replacingOccurrences(of: digits, with: String(digits.reversed())),
                        target.replacingOccurrences(of: "size=\(artifact.bytes.count)", with: "size=\(artifact.bytes.count + 1)"),
                        target.replacingOccurrences(of: "expires=1", with: "expires=2"), target + "x", target + "&sig=a",
                        target.replacingOccurrences(of: ".zip", with: ".tar.gz"), target.replacingOccurrences(of: "demo-service", with: "demo"),
                        target.replacingOccurrences(of: "sig=", with: "sag="),
                    ]
                    let capability = try #require(target.range(of: "capability="))
                    bent.append(target.replacingCharacters(in: capability.upperBound..<target.index(capability.upperBound, offsetBy: 4), with: "0000"))
                    for wrong in bent {
                        let refused = try await client.upload(offer, artifact.bytes, target: wrong)
                        #expect(refused.status == 401 && refused.code == "UNAUTHORIZED", "\(wrong): \(refused.text)")
                    }
                    #expect(fixture.files.isEmpty)
                    #expect(try await client.upload(offer, artifact.bytes, target: target + "&more=1").status == 201)
                }
            }
        }

        @Test("an upload whose head or bytes are not what was declared leaves nothing")
        func uploads() async throws {
            try await BuildsFixture.with { fixture in
                try await fixture.serving { client in
                    let artifact = TestArtifact.zip()
                    let offer = try await client.capability(artifact, version: "1.0.0")
                    func refused(
                        _ bytes: [UInt8], _ fields: [String: String], _ status: Int, _ code: String, _ reason: String?
                    ) async throws {
                        let response = try await client.upload(offer, bytes, fields: fields)
                        #expect(response.status == status && response.code == code && response.reason == reason, "\(response.text)")
                    }
                    try await refused(artifact.bytes + [0], [:], 400, "INVALID_ARTIFACT", "SIZE_MISMATCH")
                    try await refused(Array(artifact.bytes.dropLast()), [:], 400, "INVALID_ARTIFACT", "SIZE_MISMATCH")
                    try await refused([], [:], 400, "INVALID_ARTIFACT", "SIZE_MISMATCH")
                    try await refused(artifact.bytes, ["Content-Type": "application/gzip"], 400, "INVALID_ARTIFACT", "TYPE_MISMATCH")
                    try await refused(artifact.bytes, ["Content-Type": "application/zip;x=1"], 400, "INVALID_ARTIFACT", "TYPE_MISMATCH")
                    try await refused(artifact.bytes, ["Content-Type": ""], 400, "INVALID_ARTIFACT", "TYPE_MISMATCH")
                    var other = artifact.bytes
                    other[35] ^= 1
                    try await refused(other, [:], 400, "INVALID_ARTIFACT", "CHECKSUM_MISMATCH")

                    let chunked = try await TestLoops.run {
                        let connection = try await TestClient.connect(to: client.address)
                        defer { connection.close() }
                        let fields = offer.fields.merging(["Transfer-Encoding": "chunked"]) { $1 }
                        try await connection.send(TestClient.encode("PUT", offer.target, fields: fields) + Array("0\r\n\r\n".utf8))
                        return try await connection.receive()
                    }
                    #expect(chunked.status == 411 && chunked.code == "INVALID_REQUEST")

                    // The client leaves after half of it.
                    try await TestLoops.run {
                        let connection = try await TestClient.connect(to: client.address)
                        let fields = offer.fields.merging(["Content-Length": "\(artifact.bytes.count)"]) { $1 }
                        try await connection.send(TestClient.encode("PUT", offer.target, fields: fields) + artifact.bytes.prefix(30))
                        connection.close()
                    }
                    while !fixture.files.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
                    #expect(try await client.upload(offer, artifact.bytes).status == 201)
                }
            }
        }

        @Test("while changes are switched off, nothing is published, not even again")
        func killSwitch() async throws {
            try await BuildsFixture.with { fixture in
                try await fixture.serving { client in
                    let artifact = TestArtifact.zip()
                    let key = BuildsClient.key()
                    let issued = try await client.issue(artifact, version: "1.0.0", key: key)
                    let offer = try UploadOffer(issued)
                    let on = try await ServiceUnderTest.run("deployment-control", ["kill-switch", "on"], environment: fixture.variables)
                    try #require(on.exit.isSuccess, "\(on.error)")
                    for response in [
                        try await client.issue(artifact, version: "1.0.0", key: key), try await client.upload(offer, artifact.bytes),
                        try await client.register(artifact, version: "1.0.0", reference: offer.reference),
                        try await client.send("POST", "/v1/builds", "rubbish", key: nil),
                    ] {
                        #expect(response.status == 503 && response.code == "MUTATIONS_DISABLED")
                        #expect(response.field("retry-after") == "60")
                    }
                    #expect(fixture.files.isEmpty)
                    #expect(try await client.upload(offer, artifact.bytes, target: offer.target + "x").status == 401, "the address first")
                    #expect(try await client.named("nobody").send("POST", "/v1/builds").status == 401)
                    #expect(try await client.send("GET", "/v1/services/demo-service/versions").status == 200)
                    let off = try await ServiceUnderTest.run("deployment-control", ["kill-switch", "off"], environment: fixture.variables)
                    try #require(off.exit.isSuccess)
                    #expect(try await client.upload(offer, artifact.bytes).status == 201)
                }
            }
        }

        @Test("a day's capabilities and registrations end, each by itself; a minute's requests too")
        func limits() async throws {
            let settings = ["TRIVET_DAILY_UPLOADS": "2", "TRIVET_DAILY_BUILDS": "1"]
            try await BuildsFixture.with(settings) { fixture in
                try await fixture.serving { client in
                    let key = BuildsClient.key()
                    let first = try UploadOffer(try await client.issue(.zip(1), version: "1.0.1", key: key))
                    let second = try await client.capability(.zip(2), version: "1.0.2")
                    let third = try await client.issue(.zip(3), version: "1.0.3")
                    #expect(third.status == 429 && third.code == "RATE_LIMITED")
                    let details = try third.object()["details"]?.object
                    #expect(details?["scope"]?.string == "day" && details?["bucket"]?.string == "uploadCapabilities")
                    #expect(third.field("retry-after").flatMap { Int($0) }.map { (1...86_400).contains($0) } == true)
                    #expect(try await client.issue(.zip(1), version: "1.0.1", key: key).status == 201, "a replay costs nothing")
                    #expect(try await client.named("ci-two").issue(.zip(3), version: "1.0.3").status == 201)

                    #expect(try await client.upload(first, TestArtifact.zip(1).bytes).status == 201)
                    #expect(try await client.upload(second, TestArtifact.zip(2).bytes).status == 201)
                    #expect(try await client.register(.zip(1), version: "1.0.1", reference: first.reference).status == 201)
                    let over = try await client.register(.zip(2), version: "1.0.2", reference: second.reference)
                    #expect(over.status == 429 && over.code == "RATE_LIMITED")
                    #expect(try over.object()["details"]?.object?["bucket"]?.string == "buildRegistrations")
                    #expect(try await client.send("GET", "/v1/builds?service=demo-service&version=1.0.2").status == 404)
                    #expect(try await client.register(.zip(1), version: "1.0.1", reference: first.reference).status == 200)
                }
            }
            try await BuildsFixture.with(["TRIVET_MUTATIONS_PER_MINUTE": "2"]) { fixture in
                try await fixture.serving { client in
                    let offer = try await client.capability(.zip(), version: "1.0.0")
                    #expect(try await client.upload(offer, TestArtifact.zip().bytes).status == 201)
                    let over = try await client.upload(offer, TestArtifact.zip().bytes)
                    #expect(over.status == 429 && over.code == "RATE_LIMITED")
                    #expect(try over.object()["details"]?.object?["bucket"]?.string == "mutate")
                    #expect(try await client.register(.zip(), version: "1.0.0", reference: offer.reference).status == 429)
                    #expect(try await client.send("GET", "/v1/services/demo-service/versions").status == 200)
                }
            }
        }

        @Test("without a store or a key nothing can be published, and it is said")
        func unconfigured() async throws {
            try await BuildsFixture.with { fixture in
                var bare = fixture
                bare.variables["TRIVET_ARTIFACT_ROOT"] = nil
                try await bare.serving { client in
                    let response = try await client.issue(.zip(), version: "1.0.0")
                    #expect(response.status == 503 && response.code == "STORAGE_UNAVAILABLE")
                    #expect(try await client.send("GET", "/v1/services/demo-service/versions").status == 200)
                }
                var unsigned = fixture.variables
                unsigned["TRIVET_SIGNING_KEY"] = nil
                let refused = try await ServiceUnderTest.run("deployment-control", ["check-config"], environment: unsigned)
                #expect(refused.exit == .exited(code: 78) && (refused.output + refused.error).contains("TRIVET_SIGNING_KEY"))
                var gone = fixture.variables
                gone["TRIVET_ARTIFACT_ROOT"] = "/nowhere/at/all"
                let missing = try await ServiceUnderTest.run("deployment-control", ["serve"], environment: gone)
                #expect(!missing.exit.isSuccess)
            }
        }
    }
}
