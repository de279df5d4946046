import Testing

@testable import DeploymentControlDomain

@Suite struct BuildDeclarationTests {
    private let digest = String(repeating: "aB", count: 32)

    private func problem(_ size: Int64, _ digest: String, _ type: String) -> ArtifactProblem? {
        do throws(ArtifactProblem) {
            _ = try ArtifactDeclaration(sizeBytes: size, sha256: digest, contentType: type)
            return nil
        } catch {
            return error
        }
    }

    @Test("sizes from 1 byte to 200 MB are taken", arguments: [
        (1, nil), (209_715_200, nil), (0, ArtifactProblem.sizeLimit), (-1, .sizeLimit), (209_715_201, .sizeLimit),
        (Int64.max, .sizeLimit), (.min, .sizeLimit),
    ] as [(Int64, ArtifactProblem?)])
    func sizes(size: Int64, expected: ArtifactProblem?) {
        #expect(problem(size, digest, "application/zip") == expected)
    }

    @Test("a checksum is 64 hexadecimal digits of either case")
    func digests() throws {
        let declared = try ArtifactDeclaration(sizeBytes: 1, sha256: digest, contentType: "application/zip")
        #expect(declared.sha256 == digest.lowercased())
        for bad in ["", "ab", digest + "a", String(digest.dropLast()), "g" + digest.dropFirst(), digest + "\n",
            "é" + digest.dropFirst(2), "sha256:" + digest]
        {
            #expect(problem(1, bad, "application/zip") == .checksumForm)
        }
    }

    @Test("two media types are taken, without parameters")
    func types() throws {
        #expect(try ArtifactDeclaration(sizeBytes: 1, sha256: digest, contentType: "application/gzip").type == .tarGzip)
        for bad in ["", "zip", "tar.gz", "Application/Zip", "application/zip; charset=utf-8", "application/zip ", "application/x-tar"] {
            #expect(problem(1, digest, bad) == .typeNotAllowed)
        }
    }

    @Test("the first broken rule in check order is told")
    func order() {
        #expect(problem(0, "x", "x") == .sizeLimit)
        #expect(problem(1, "x", "x") == .checksumForm)
        #expect(problem(1, digest, "x") == .typeNotAllowed)
    }
}

@Suite struct BuildArtifactPathTests {
    private let digest = String(repeating: "0f", count: 32)

    @Test("a path is read back as it was written", arguments: ArtifactType.allCases)
    func roundTrip(type: ArtifactType) throws {
        let path = ArtifactPath(
            service: try #require(ServiceName("demo-service")), version: try #require(Version("1.0.0-..")),
            declaration: try ArtifactDeclaration(sizeBytes: 1, sha256: digest, contentType: type.contentType))
        #expect(path.text == "demo-service/1.0.0-../\(digest).\(type.fileExtension)")
        #expect(ArtifactPath(path.text) == path)
    }

    @Test("nothing else is a path")
    func refused() {
        let good = "demo/1.0.0/\(digest).zip"
        #expect(ArtifactPath(good) != nil)
        for bad in ["", "/", "demo/1.0.0", good + "/", "/" + good, good + "\n", "../1.0.0/\(digest).zip", "demo/../\(digest).zip",
            "demo/1.0/\(digest).zip", "Demo/1.0.0/\(digest).zip", "demo/1.0.0/\(digest.uppercased()).zip",
            "demo/1.0.0/\(digest).tar", "demo/1.0.0/\(digest).ZIP", "demo/1.0.0/\(digest)zip", "demo/1.0.0/a\(digest).zip",
            "demo/1.0.0/\(digest.dropLast()).zip", "demo//\(digest).zip", "demo/1.0.0/x/\(digest).zip"]
        {
            #expect(ArtifactPath(bad) == nil, "\(bad)")
        }
    }
}

@Suite struct BuildCapabilityChoiceTests {
    private func candidate(_ isExpired: Bool, _ isUsed: Bool) -> CapabilityChoice.Candidate {
        .init(isExpired: isExpired, isUsed: isUsed)
    }

    @Test("the most favourable capability decides")
    func favourable() {
        let (live, used, expired, both) = (candidate(false, false), candidate(false, true), candidate(true, false), candidate(true, true))
        #expect(CapabilityChoice(among: []) == .refused(.noCapability))
        #expect(CapabilityChoice(among: [expired]) == .refused(.capabilityExpired))
        #expect(CapabilityChoice(among: [both]) == .refused(.capabilityExpired))
        #expect(CapabilityChoice(among: [used]) == .refused(.capabilityUsed))
        #expect(CapabilityChoice(among: [expired, used, both]) == .refused(.capabilityUsed))
        #expect(CapabilityChoice(among: [expired, used, both, live]) == .usable(3))
    }
}
