import Encoding
import EventLoop
import Postgres
import TestSupport
import Testing

extension BuildsTests {
    @Suite struct BuildsObjectStoreTests {
        private func with(_ body: (BuildsFixture, BuildsClient, S3Double) async throws -> Void) async throws {
            let double = try await S3Double.start(["--region", "eu-test-1"])
            let settings = [
                "TRIVET_S3_ENDPOINT": double.url, "TRIVET_S3_REGION": "eu-test-1", "TRIVET_S3_ACCESS_KEY_ID": S3Double.accessKey,
                "TRIVET_S3_SECRET_ACCESS_KEY": S3Double.secretKey, "TRIVET_S3_BUCKETS": "artifacts,other",
            ]
            try await BuildsFixture.with(settings) { fixture in
                try await fixture.serving { try await body(fixture, $0, double) }
            }
            await double.stop()
        }

        @Test("the bytes go to the object store itself, and are measured on registration")
        func publish() async throws {
            try await with { fixture, client, double in
                let artifact = TestArtifact.zip()
                let key = BuildsClient.key()
                let issued = try await client.issue(artifact, version: "1.0.0", key: key)
                #expect(issued.status == 201, "\(issued.text)")
                let offer = try UploadOffer(issued)
                #expect(offer.url.hasPrefix(double.url + "/artifacts/demo-service/1.0.0/") && offer.url.contains("X-Amz-Signature="))
                #expect(offer.reference == "s3://artifacts/demo-service/1.0.0/\(artifact.sha256).zip")
                #expect(try await client.issue(artifact, version: "1.0.0", key: key).body == issued.body)
                let stored = try await fixture.value(
                    "SELECT count(*) FROM idempotency_key WHERE convert_from(body, 'UTF8') LIKE '%ignature%'" as SQL<Int>)
                #expect(stored == 0, "no signature at rest")

                let early = try await client.register(artifact, version: "1.0.0", reference: offer.reference)
                #expect(early.status == 400 && early.reason == "NOT_UPLOADED", "\(early.text)")
                #expect(try await client.upload(offer, artifact.bytes.reversed()).status == 400, "the store holds it to the digest")
                #expect(try await client.upload(offer, artifact.bytes + [1]).status == 403)
                #expect(try await client.upload(offer, artifact.bytes, fields: ["Content-Type": "text/html"]).status == 403)
                #expect(try await client.upload(offer, artifact.bytes).status == 200)
                let registered = try await client.register(artifact, version: "1.0.0", reference: offer.reference)
                #expect(registered.status == 201, "\(registered.text)")
                for bad in ["s3://artifacts-evil/demo-service/1.0.0/\(artifact.sha256).zip", "s3://other/demo-service/1.0.0/\(artifact.sha256).zip",
                    "artifact://demo-service/1.0.0/\(artifact.sha256).zip"]
                {
                    let refused = try await client.register(artifact, version: "1.0.0", reference: bad)
                    #expect(refused.status == 400 && refused.reason == "SOURCE_NOT_ALLOWED")
                }
                let put = try await TestClient.exchange(
                    client.address, "PUT", "/v1/artifacts/demo-service/1.0.0/\(artifact.sha256).zip?sig=x", body: artifact.bytes)
                #expect(put.status == 401)
            }
        }

        @Test("a store that lies or fails registers nothing")
        func faults() async throws {
            try await with { fixture, client, double in
                let artifact = TestArtifact.zip()
                let offer = try await client.capability(artifact, version: "1.0.0")
                #expect(try await client.upload(offer, artifact.bytes).status == 200)
                let object = "artifacts/demo-service/1.0.0/\(artifact.sha256).zip"
                for (kind, more, status, code) in [
                    ("status", #""status": 500"#, 503, "STORAGE_UNAVAILABLE"), ("html", "", 503, "STORAGE_UNAVAILABLE"),
                    ("denied", "", 503, "STORAGE_UNAVAILABLE"), ("missing", "", 400, "INVALID_ARTIFACT"),
                    ("short", #""after": 10"#, 503, "STORAGE_UNAVAILABLE"), ("reset", #""after": 10"#, 503, "STORAGE_UNAVAILABLE"),
                    ("length", #""length": 5000"#, 400, "INVALID_ARTIFACT"), ("garbage", "", 503, "STORAGE_UNAVAILABLE"),
                ] {
                    try await double.fault(object, kind, (more.isEmpty ? "" : more + ", ") + #""times": 1"#)
                    let refused = try await client.register(artifact, version: "1.0.0", reference: offer.reference)
                    #expect(refused.status == status && refused.code == code, "\(kind): \(refused.text)")
                }
                #expect(try await fixture.used("buildRegistrations") == 0)
                #expect(try await client.register(artifact, version: "1.0.0", reference: offer.reference).status == 201)
            }
        }
    }
}
