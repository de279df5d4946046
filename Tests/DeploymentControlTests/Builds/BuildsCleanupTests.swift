import DeploymentControlDomain
import Encoding
import EventLoop
import Foundation
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import DeploymentControl

extension BuildsTests {
    @Suite struct BuildsCleanupTests {
        @Test("temporary files whose writer is gone are removed, others stay")
        func sweep() throws {
            let root = FileManager.default.temporaryDirectory.appendingPathComponent("trivet-sweep-\(UInt64.random(in: 0 ... .max))").path
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: root) }
            let directory = try ArtifactDirectory(root)
            let open = try directory.begin()
            try Data("half".utf8).write(to: URL(fileURLWithPath: "\(root)/.incoming/orphan"))
            try FileManager.default.createDirectory(atPath: "\(root)/.incoming/directory", withIntermediateDirectories: true)
            let now = Int(Foundation.Date().timeIntervalSince1970)
            #expect(try directory.sweep(now: now) == 0, "it may be one that is just being made")
            #expect(try directory.sweep(now: now + 120) == 1)
            let left = try FileManager.default.contentsOfDirectory(atPath: "\(root)/.incoming")
            #expect(left.count == 2 && !left.contains("orphan"))
            withExtendedLifetime(open) {}
        }

        @Test("a released file is gone; no link leads out of the root")
        func links() throws {
            let root = FileManager.default.temporaryDirectory.appendingPathComponent("trivet-links-\(UInt64.random(in: 0 ... .max))").path
            try FileManager.default.createDirectory(atPath: root + "/outside", withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: root) }
            try FileManager.default.createDirectory(atPath: root + "/in", withIntermediateDirectories: true)
            let directory = try ArtifactDirectory(root + "/in")
            do {
                let file = try directory.begin()
                try file.append(UnsafeRawBufferPointer(start: nil, count: 0))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/in/.incoming").isEmpty)
            let digest = String(repeating: "0", count: 64)
            let path = try #require(ArtifactPath("demo/1.0.0/\(digest).zip"))
            try FileManager.default.createSymbolicLink(atPath: root + "/in/demo", withDestinationPath: root + "/outside")
            #expect(throws: (any Error).self) { try directory.parent(of: path, creating: true) }
            #expect(throws: (any Error).self) { try directory.open(path) }
        }

        @Test("capabilities that came to nothing are forgotten a week after they end, with what was sent; used ones never")
        func purge() async throws {
            try await BuildsFixture.with { fixture in
                try await fixture.serving { client in
                    let published = TestArtifact.zip()
                    let extra = try await client.capability(published, version: "1.0.0")
                    #expect(try await client.publish(published, version: "1.0.0").status == 201)
                    let old = try await client.capability(.zip(1), version: "1.0.1")
                    #expect(try await client.upload(old, TestArtifact.zip(1).bytes).status == 201)
                    let renewed = try await client.capability(.zip(2), version: "1.0.2")
                    #expect(try await client.upload(renewed, TestArtifact.zip(2).bytes).status == 201)
                    try await fixture.expireCapabilities(by: "8 days")
                    let fresh = try await client.capability(.zip(2), version: "1.0.2")

                    let database = fixture.database.open()
                    let vault = try DirectoryVault(root: fixture.root, pool: BlockingPool(threads: 1))
                    let signer = UploadSigner(key: SigningKey(bytes: [UInt8](repeating: 7, count: 32)))
                    let cleaner = UploadCleaner(
                        database: database, uploads: UploadDesk(way: .signedLinks(vault, signer, origin: "http://h")),
                        logger: Logger(level: .error, format: .json, sink: .standardError(.json), loops: nil))
                    #expect(try await cleaner.purge(olderThan: UploadCleaner.capabilityKept) == 3)
                    #expect(try await cleaner.purge(olderThan: UploadCleaner.capabilityKept) == 0)
                    await database.close(grace: .seconds(1))

                    #expect(fixture.files == [
                        "demo-service/1.0.0/\(published.sha256).zip", "demo-service/1.0.2/\(TestArtifact.zip(2).sha256).zip",
                    ])
                    #expect(try await fixture.value("SELECT count(*) FROM upload_capability" as SQL<Int>) == 2)
                    for gone in [extra, old, renewed] {
                        let late = try await client.upload(gone, published.bytes)
                        #expect(late.status == 400 && late.reason == "CAPABILITY_EXPIRED", "\(late.text)")
                    }
                    #expect(try await client.register(.zip(2), version: "1.0.2", reference: fresh.reference).status == 201)
                }
            }
        }

        @Test("the schema refuses what the service never does")
        func schema() async throws {
            try await BuildsFixture.with { fixture in
                try await fixture.serving { client in
                    #expect(try await client.publish(.zip(), version: "1.0.0").status == 201)
                    _ = try await client.capability(.zip(), version: "1.0.1")
                }
                for statement in [
                    "UPDATE build SET sha256 = repeat('0', 64)", "DELETE FROM build", "TRUNCATE build",
                    "DELETE FROM upload_capability WHERE state = 'USED'", "UPDATE upload_capability SET size_bytes = 5",
                    "UPDATE upload_capability SET state = 'ISSUED', used_at = NULL WHERE state = 'USED'",
                    "UPDATE upload_capability SET expires_at = expires_at + interval '1 day'",
                    """
                    INSERT INTO build (id, capability, client, service, version, artifact_ref, sha256, size_bytes, content_type)
                    SELECT gen_random_uuid(), gen_random_uuid(), client, service, '2.0.0', artifact_ref, sha256, size_bytes, content_type
                    FROM build
                    """,
                    """
                    INSERT INTO build (id, capability, client, service, version, artifact_ref, sha256, size_bytes, content_type)
                    SELECT gen_random_uuid(), capability, client, service, '2.0.0', artifact_ref, sha256, size_bytes, content_type
                    FROM build
                    """,
                ] as [Command] {
                    await #expect(throws: DatabaseError.self, "\(statement.text)") { try await fixture.execute([statement]) }
                }
            }
        }
    }
}

extension BuildsTests {
    @Suite struct BuildsInspectorTests {
        @Test("an archive is told alike however its bytes are cut", arguments: 0..<50)
        func cuts(seed: UInt64) throws {
            var random = SeededRandom(seed)
            let zip = TestArtifact.zipBytes(content: [UInt8](repeating: 1, count: Int.random(in: 0...300_000, using: &random)))
            var spoiled = zip
            spoiled[spoiled.count - 1] = 1
            for (bytes, type, expected) in [(zip, ArtifactType.zip, true), (spoiled, .zip, false), (zip, .tarGzip, false)] {
                let inspector = ArtifactInspector(type: type)
                var rest = bytes[...]
                while !rest.isEmpty {
                    let piece = Array(rest.prefix(Int.random(in: 1...200_000, using: &random)))
                    rest = rest.dropFirst(piece.count)
                    piece.withUnsafeBytes { inspector.feed($0) }
                }
                #expect(inspector.isOfType == expected, "seed \(seed)")
            }
        }

        @Test("a tar archive under gzip is told byte by byte")
        func tar() throws {
            let tar = try TestArtifact.made(by: "echo a > a; tar czf - a", contentType: "application/gzip")
            for step in [1, 7, 100_000] {
                let inspector = ArtifactInspector(type: .tarGzip)
                for start in stride(from: 0, to: tar.bytes.count, by: step) {
                    Array(tar.bytes[start..<min(start + step, tar.bytes.count)]).withUnsafeBytes { inspector.feed($0) }
                }
                #expect(inspector.isOfType)
            }
            for length in [0, 1, 17, 40] {
                let inspector = ArtifactInspector(type: .tarGzip)
                Array(tar.bytes.prefix(length)).withUnsafeBytes { inspector.feed($0) }
                #expect(!inspector.isOfType)
            }
        }
    }
}

extension BuildsTests {
    @Suite struct BuildsSignerTests {
        @Test("a signature holds for its link and its key only")
        func signatures() throws {
            let signer = UploadSigner(key: SigningKey(bytes: [UInt8](repeating: 1, count: 32)))
            let path = try #require(ArtifactPath("demo/1.0.0/\(String(repeating: "a", count: 64)).zip"))
            let other = try #require(ArtifactPath("demo/1.0.0/\(String(repeating: "b", count: 64)).zip"))
            let id = UUID(high: 1, low: 2)
            let link = UploadLink(capability: id, artifact: ExpectedArtifact(path: path, sizeBytes: 10), expires: 100)
            let target = signer.target(of: link)
            let signature = String(try #require(target.split(separator: "=").last))
            #expect(signer.isValid(signature, of: link))
            for wrong in [
                UploadLink(capability: UUID(high: 1, low: 3), artifact: link.artifact, expires: 100),
                UploadLink(capability: id, artifact: link.artifact, expires: 101),
                UploadLink(capability: id, artifact: ExpectedArtifact(path: path, sizeBytes: 11), expires: 100),
                UploadLink(capability: id, artifact: ExpectedArtifact(path: other, sizeBytes: 10), expires: 100),
            ] {
                #expect(!signer.isValid(signature, of: wrong))
            }
            #expect(!UploadSigner(key: SigningKey(bytes: [UInt8](repeating: 2, count: 32))).isValid(signature, of: link))
            for text in ["", "x", signature + "A", String(signature.dropLast()), signature + "="] {
                #expect(!signer.isValid(text, of: link))
            }
        }

        @Test("what is kept of a capability gives the capability back")
        func recipe() throws {
            let path = try #require(ArtifactPath("demo/1.0.0/\(String(repeating: "a", count: 64)).tar.gz"))
            let issued = IssuedCapability(
                id: UUID(high: 5, low: 6), artifact: ExpectedArtifact(path: path, sizeBytes: 77), artifactRef: "artifact://\(path)", origin: "http://h",
                issuedAt: Timestamp(microseconds: 1), expiresAt: Timestamp(microseconds: 900_000_001))
            #expect(IssuedCapability(recipe: issued.recipe) == issued)
            #expect(IssuedCapability(recipe: []) == nil)
        }
    }
}
