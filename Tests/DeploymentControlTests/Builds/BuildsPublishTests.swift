import Crypto
import Encoding
import EventLoop
import Foundation
import Postgres
import TestSupport
import Testing

extension BuildsTests {
    @Suite struct BuildsPublishTests {
        @Test("a build is published in three steps and can be read")
        func happyPath() async throws {
            try await BuildsFixture.with { fixture in
                try await fixture.serving { client in
                    let artifact = TestArtifact.zip()
                    let key = BuildsClient.key()
                    let issued = try await client.issue(artifact, version: "1.4.0", key: key)
                    #expect(issued.status == 201 && issued.field("idempotency-replayed") == "false")
                    #expect(issued.field("content-type") == "application/json; charset=utf-8")
                    #expect(issued.field("ratelimit-limit") == "5000" && issued.field("x-request-id") != nil)
                    let offer = try UploadOffer(issued)
                    let members = try issued.object()
                    #expect(members["uploadType"]?.string == "SIGNED_URL" && members["uploadToken"] == nil)
                    #expect(members["expectedSha256"]?.string == artifact.sha256)
                    #expect(members["expectedContentType"]?.string == "application/zip")
                    #expect(offer.reference == "artifact://demo-service/1.4.0/\(artifact.sha256).zip")
                    #expect(offer.expiresAt > Timestamp.now() + .seconds(800) && offer.expiresAt < Timestamp.now() + .seconds(1000))

                    let again = try await client.issue(artifact, version: "1.4.0", key: key)
                    #expect(again.status == 201 && again.body == issued.body && again.field("idempotency-replayed") == "true")
                    let stored = try await fixture.value(
                        "SELECT count(*) FROM idempotency_key WHERE convert_from(body, 'UTF8') LIKE '%sig%'" as SQL<Int>)
                    #expect(stored == 0, "no signature at rest")

                    let uploaded = try await client.upload(offer, artifact.bytes)
                    #expect(uploaded.status == 201, "\(uploaded.text)")
                    #expect(try uploaded.object()["artifactRef"]?.string == offer.reference)
                    #expect(fixture.files == ["demo-service/1.4.0/\(artifact.sha256).zip"])
                    let repeated = try await client.upload(offer, artifact.bytes)
                    #expect(repeated.status == 200 && repeated.body == uploaded.body)

                    let registrationKey = BuildsClient.key()
                    let registered = try await client.register(
                        artifact, version: "1.4.0", reference: offer.reference, key: registrationKey)
                    #expect(registered.status == 201, "\(registered.text)")
                    let location = try #require(registered.field("location"))
                    #expect(location == "/v1/builds?service=demo-service&version=1.4.0")
                    let replay = try await client.register(
                        artifact, version: "1.4.0", reference: offer.reference, key: registrationKey)
                    #expect(replay.status == 201 && replay.body == registered.body && replay.field("location") == location)
                    #expect(replay.field("idempotency-replayed") == "true")

                    let same = try await client.named("ci-two").register(artifact, version: "1.4.0", reference: offer.reference)
                    #expect(same.status == 200 && same.body == registered.body && same.field("idempotency-replayed") == "false")
                    let read = try await client.named("eye").send("GET", location)
                    #expect(read.status == 200 && read.body == registered.body)
                    let object = try read.object()
                    #expect(object["registeredAt"]?.string?.hasSuffix("Z") == true && object["id"]?.string != nil)

                    let used = try await client.upload(offer, artifact.bytes)
                    #expect(used.status == 400 && used.reason == "CAPABILITY_USED")
                    #expect(try await fixture.used("uploadCapabilities") == 1)
                    #expect(try await fixture.used("buildRegistrations") == 1)
                    #expect(try await fixture.used("buildRegistrations", by: "ci-two") == 0)
                    let actions = try await fixture.value(
                        "SELECT string_agg(actor || ' ' || action || ' ' || outcome, ', ' ORDER BY id) FROM audit_event" as SQL<String>)
                    #expect(actions == "ci CAPABILITY_ISSUED SUCCESS, ci ARTIFACT_UPLOADED SUCCESS, ci BUILD_REGISTER SUCCESS")
                }
            }
        }

        @Test("archives of the usual tools are taken, what only looks alike is not")
        func realArchives() async throws {
            let text = "for i in $(seq 500); do echo line $i; done > a.txt; echo b > b.txt;"
            let tar = try TestArtifact.made(by: "\(text) tar czf - a.txt b.txt", contentType: "application/gzip")
            let pax = try TestArtifact.made(by: "\(text) tar --format=pax -cf - a.txt | gzip -9 -c", contentType: "application/gzip")
            let zip = try TestArtifact.made(
                by: "\(text) python3 -m zipfile -c o.zip a.txt b.txt; cat o.zip", contentType: "application/zip")
            let gzip = try TestArtifact.made(by: "\(text) gzip -c a.txt", contentType: "application/gzip")
            let empty = try TestArtifact.made(
                by: "python3 -c 'import zipfile; zipfile.ZipFile(\"o.zip\", \"w\").close()'; cat o.zip", contentType: "application/zip")
            try await BuildsFixture.with { fixture in
                try await fixture.serving { client in
                    for (place, good) in [tar, pax, zip].enumerated() {
                        #expect(try await client.publish(good, version: "1.0.\(place)").status == 201)
                    }
                    var swapped = zip
                    swapped.contentType = "application/gzip"
                    for (place, bad) in [gzip, empty, swapped].enumerated() {
                        let offer = try await client.capability(bad, version: "2.0.\(place)")
                        let refused = try await client.upload(offer, bad.bytes)
                        #expect(refused.status == 400 && refused.code == "INVALID_ARTIFACT" && refused.reason == "TYPE_MISMATCH")
                        let unregistered = try await client.register(bad, version: "2.0.\(place)", reference: offer.reference)
                        #expect(unregistered.status == 400 && unregistered.reason == "NOT_UPLOADED")
                    }
                    #expect(fixture.files.count == 3)
                }
            }
        }

        @Test("versions are listed newest first, page by page")
        func versions() async throws {
            try await BuildsFixture.with { fixture in
                try await fixture.serving { client in
                    let order = ["10.0.0", "2.0.0", "2.0.0-rc.10", "2.0.0-rc.2", "2.0.0-alpha", "1.10.0", "1.9.0"]
                    for (place, version) in order.enumerated().reversed() {
                        #expect(try await client.publish(.zip(place), version: version).status == 201)
                    }
                    func listed(_ response: TestResponse) throws -> [String] {
                        try #require(try JSONReader.parse(response.body).array).compactMap { $0.object?["version"]?.string }
                    }
                    let path = "/v1/services/demo-service/versions"
                    let all = try await client.named("dev").send("GET", path)
                    #expect(all.status == 200 && all.field("link") == nil)
                    #expect(try listed(all) == order)
                    var seen: [String] = []
                    var next: String? = "\(path)?limit=3"
                    while let target = next {
                        let page = try await client.send("GET", target)
                        seen += try listed(page)
                        next = page.field("link").map { String($0.dropFirst().prefix { $0 != ">" }) }
                    }
                    #expect(seen == order)
                    for bad in ["limit=0", "limit=501", "limit=x", "before=x", "limit=1&limit=2", "before=%FF"] {
                        let refused = try await client.send("GET", "\(path)?\(bad)")
                        #expect(refused.status == 400 && refused.code == "INVALID_REQUEST", "\(bad)")
                    }
                    #expect(try await client.send("GET", "/v1/services/nobody/versions").status == 404)
                    #expect(try await client.send("GET", "/v1/services/No%20Body/versions").status == 404)
                    #expect(try await client.send("HEAD", path).status == 200)

                    for query in ["", "?service=demo-service", "?version=1.9.0", "?service=&version=1.9.0", "?service=a&service=b&version=1.9.0"] {
                        #expect(try await client.send("GET", "/v1/builds\(query)").code == "INVALID_REQUEST", "\(query)")
                    }
                    for query in ["service=demo-service&version=9.9.9", "service=other&version=1.9.0", "service=demo-service&version=x"] {
                        let missing = try await client.send("GET", "/v1/builds?\(query)")
                        #expect(missing.status == 404 && missing.code == "NOT_FOUND", "\(query)")
                    }
                }
            }
        }

        @Test("200 MB pass through in the memory of a few pieces")
        func large() async throws {
            try await BuildsFixture.with { fixture in
                try await fixture.serving { client in
                    let small = try await client.publish(.zip(), version: "1.0.0")
                    #expect(small.status == 201)
                    let artifact = LargeZip(size: 209_715_200)
                    let body = """
                        {"service":"demo-service","version":"2.0.0","expectedSizeBytes":\(artifact.size),\
                        "expectedSha256":"\(artifact.sha256)","contentType":"application/zip"}
                        """
                    let offer = try UploadOffer(try await client.send("POST", "/v1/builds/upload-capability", body))
                    let before = try Self.peakKilobytes(client.pid)
                    let uploaded = try await TestLoops.run {
                        let connection = try await TestClient.connect(to: client.address)
                        defer { connection.close() }
                        let fields = offer.fields.merging(["Content-Length": "\(artifact.size)"]) { $1 }
                        try await connection.send(TestClient.encode("PUT", offer.target, fields: fields))
                        for piece in 0..<artifact.pieceCount { try await connection.send(artifact.piece(piece)) }
                        return try await connection.receive()
                    }
                    #expect(uploaded.status == 201, "\(uploaded.text)")
                    let registered = try await client.send(
                        "POST", "/v1/builds",
                        """
                        {"service":"demo-service","version":"2.0.0","artifactRef":"\(offer.reference)","sha256":"\(artifact.sha256)",\
                        "sizeBytes":\(artifact.size),"contentType":"application/zip"}
                        """)
                    #expect(registered.status == 201, "\(registered.text)")
                    let grown = try Self.peakKilobytes(client.pid) - before
                    #expect(grown < 8192, "grew by \(grown) KiB")
                }
            }
        }

        /// Highest resident set so far.
        private static func peakKilobytes(_ pid: Int32) throws -> Int {
            let text = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
            return try #require(Int(line.split(separator: " ")[1].filter(\.isNumber)) ?? Int(line.filter(\.isNumber)))
        }
    }
}

/// A zip archive of any size, piece by piece.
struct LargeZip: Sendable {
    let size: Int
    let sha256: String
    let pieceCount: Int

    private static let pieceBytes = 1 << 20
    private let end: [UInt8]

    init(size: Int) {
        self.size = size
        end = TestArtifact.zipEnd(directoryBytes: 46, offset: size - 22 - 46)
        pieceCount = (size + Self.pieceBytes - 1) / Self.pieceBytes
        let digest = SHA256()
        for piece in 0..<pieceCount { digest.update(Self.piece(piece, size: size, end: end)) }
        sha256 = digest.finalize().hex
    }

    func piece(_ number: Int) -> [UInt8] { Self.piece(number, size: size, end: end) }

    private static func piece(_ number: Int, size: Int, end: [UInt8]) -> [UInt8] {
        let start = number * pieceBytes
        var bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: min(pieceBytes, size - start))
        if number == 0 { bytes.replaceSubrange(0..<4, with: [0x50, 0x4B, 3, 4]) }
        for (place, byte) in end.enumerated() where (start..<start + bytes.count).contains(size - end.count + place) {
            bytes[size - end.count + place - start] = byte
        }
        return bytes
    }
}
