import Encoding
import EventLoop
import Foundation
import Postgres
import TestSupport
import Testing

extension BuildsTests {
    @Suite struct BuildsRaceTests {
        @Test("of many registrations of one version on two instances one makes it, the rest are told what it is")
        func registrations() async throws {
            try await BuildsFixture.with { fixture in
                let instances = [try await fixture.start(), try await fixture.start()]
                let clients = instances.map { fixture.client(of: $0) }
                let artifacts = [TestArtifact.zip(0), .zip(1)]
                for round in 0..<5 {
                    let version = "1.0.\(round)"
                    var references: [String] = []
                    for artifact in artifacts {
                        let offer = try await clients[0].capability(artifact, version: version)
                        #expect(try await clients[1].upload(offer, artifact.bytes).status == 201)
                        references.append(offer.reference)
                    }
                    let answers = try await withThrowingTaskGroup(of: (Int, TestResponse).self) { group in
                        for number in 0..<24 {
                            let which = number / 2 % 2
                            let (client, artifact, reference) = (clients[number % 2], artifacts[which], references[which])
                            group.addTask { (which, try await client.register(artifact, version: version, reference: reference)) }
                        }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    let made = answers.filter { $0.1.status == 201 }
                    try #require(made.count == 1, "\(answers.map(\.1.status))")
                    for (which, answer) in answers where answer.status != 201 {
                        let isSame = which == made[0].0
                        #expect(answer.status == (isSame ? 200 : 409), "\(answer.text)")
                        if isSame { #expect(answer.body == made[0].1.body) } else { #expect(answer.code == "BUILD_REGISTRATION_CONFLICT") }
                    }
                }
                #expect(try await fixture.used("buildRegistrations") == 5)
                #expect(try await fixture.value("SELECT count(*) FROM upload_capability WHERE state = 'USED'" as SQL<Int>) == 5)
                #expect(try await fixture.value("SELECT count(*) FROM audit_event WHERE action = 'BUILD_REGISTER'" as SQL<Int>) == 5)
                for instance in instances { await instance.end() }
            }
        }

        @Test("one key has one effect, from however many connections it comes")
        func oneKey() async throws {
            try await BuildsFixture.with { fixture in
                let instances = [try await fixture.start(), try await fixture.start()]
                let key = BuildsClient.key()
                let answers = try await withThrowingTaskGroup(of: [TestResponse].self) { group in
                    for number in 0..<20 {
                        let client = fixture.client(of: instances[number % 2])
                        group.addTask {
                            var answers: [TestResponse] = []
                            for _ in 0..<10 { answers.append(try await client.issue(.zip(), version: "1.0.0", key: key)) }
                            return answers
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                #expect(answers.count == 200)
                let done = answers.filter { $0.status == 201 }
                #expect(Set(done.map(\.text)).count == 1 && done.filter { $0.field("idempotency-replayed") == "false" }.count == 1)
                #expect(answers.allSatisfy { $0.status == 201 || $0.code == "IDEMPOTENCY_IN_PROGRESS" })
                #expect(try await fixture.used("uploadCapabilities") == 1)
                #expect(try await fixture.value("SELECT count(*) FROM upload_capability" as SQL<Int>) == 1)
                for instance in instances { await instance.end() }
            }
        }

        @Test("many uploads with one address leave one whole file")
        func uploads() async throws {
            try await BuildsFixture.with { fixture in
                try await fixture.serving { client in
                    let artifact = TestArtifact(
                        bytes: TestArtifact.zipBytes(content: [UInt8](repeating: 3, count: 3_000_000)), contentType: "application/zip")
                    let offer = try await client.capability(artifact, version: "1.0.0")
                    let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                        for _ in 0..<12 { group.addTask { try await client.upload(offer, artifact.bytes).status } }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    #expect(statuses.filter { $0 == 201 }.count == 1 && statuses.filter { $0 == 200 }.count == 11, "\(statuses)")
                    #expect(fixture.files == ["demo-service/1.0.0/\(artifact.sha256).zip"])
                    #expect(try Data(contentsOf: URL(fileURLWithPath: "\(fixture.root)/\(fixture.files[0])")) == Data(artifact.bytes))
                }
            }
        }

        @Test("killed between upload and registration, or within either, nothing acknowledged is lost and no half artifact is seen")
        func killed() async throws {
            try await BuildsFixture.with { fixture in
                var random = SystemRandomNumberGenerator()
                for round in 0..<12 {
                    let artifact = TestArtifact(
                        bytes: TestArtifact.zipBytes(content: [UInt8](repeating: UInt8(round), count: 2_000_000)), contentType: "application/zip")
                    let version = "1.0.\(round)"
                    let instance = try await fixture.start()
                    let client = fixture.client(of: instance)
                    let offer = try await client.capability(artifact, version: version)
                    let key = BuildsClient.key()
                    let delay = Duration.microseconds(Int64.random(in: 0...40_000, using: &random))
                    let work = Task { () -> (uploaded: Int?, registered: Int?) in
                        guard let uploaded = try? await client.upload(offer, artifact.bytes) else { return (nil, nil) }
                        let registered = try? await client.register(artifact, version: version, reference: offer.reference, key: key)
                        return (uploaded.status, registered?.status)
                    }
                    if round % 3 == 0 {
                        // Just after the upload was acknowledged.
                        let file = "\(fixture.root)/demo-service/\(version)/\(artifact.sha256).zip"
                        while !FileManager.default.fileExists(atPath: file) { try await Task.sleep(for: .microseconds(200)) }
                    } else {
                        try await Task.sleep(for: delay)
                    }
                    await instance.end(with: SIGKILL)
                    let seen = await work.value

                    let survivor = try await fixture.start()
                    let after = fixture.client(of: survivor)
                    for file in fixture.files where !file.hasPrefix(".incoming/") && file.contains("/\(version)/") {
                        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(fixture.root)/\(file)")) == Data(artifact.bytes))
                    }
                    let read = try await after.send("GET", "/v1/builds?service=demo-service&version=\(version)")
                    if seen.registered == 201 { #expect(read.status == 200, "an acknowledged registration is lost") }
                    if seen.uploaded == nil, read.status == 404 {
                        // The address was of the instance that is gone; what was signed holds on every other.
                        let answer = try await after.upload(offer, artifact.bytes, at: after.address)
                        #expect([200, 201].contains(answer.status), "\(answer.text)")
                    }
                    // The same request again: whatever the first one came to, this is its answer; a claim that died may still be held.
                    let again = try await after.register(artifact, version: version, reference: offer.reference, key: key)
                    #expect(again.status == 201 || again.code == "IDEMPOTENCY_IN_PROGRESS", "\(again.text)")
                    let other = try await after.register(artifact, version: version, reference: offer.reference)
                    #expect([200, 201].contains(other.status), "\(other.text)")
                    await survivor.end()
                }
                #expect(try await fixture.used("buildRegistrations") == 12, "each counted once")
            }
        }
    }
}
