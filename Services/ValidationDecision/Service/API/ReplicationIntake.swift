import Crypto
import HTTP
import ValidationDecisionDomain

/// Reads an uploaded replication (T2): the manifest into memory, snapshot and WAL files through their hashes, in any order.
struct ReplicationIntake: Sendable {
    let limits: ArtifactLimits

    func read(_ request: Request) async throws(IntakeError) -> Intake<ReplicationInput> {
        var input = ReplicationInput(manifest: .missing, snapshot: .missing, walFiles: [])
        var hashes = ArtifactHashes()
        var manifestDigest: ContentDigest?
        var seen: Set<String> = []
        let parts = try PartReader(request, files: limits.walFiles)
        while let part = try await parts.next() {
            let name = part.name
            switch name {
            case "replication_manifest", "snapshot":
                guard seen.insert(name).inserted else { throw .repeatedPart(name) }
                if name == "snapshot" {
                    let sink = ArtifactSink(checksArchive: limits.verifiesArchives)
                    try await parts.stream(part, into: sink, upTo: limits.artifactBytes)
                    let (digest, problem) = sink.finish()
                    hashes.snapshot = digest
                    if let content = digest.content { input.snapshot = .received(content, archiveProblem: problem) }
                } else {
                    let bytes = try await parts.collect(part, upTo: limits.documentBytes)
                    manifestDigest = SHA256.hash(bytes).content
                    input.manifest = DocumentReader(bytesMax: limits.documentBytes).yaml(bytes)
                }
            case "wal_files": try await readWALFile(part, parts, &input, &hashes)
            default: try await parts.skip(part, upTo: limits.documentBytes)
            }
        }
        let inputDigest = InputDigest.replication(
            manifest: manifestDigest, snapshot: hashes.snapshot?.content, walFiles: input.walFiles, sha256: sha256)
        return Intake(input: input, hashes: hashes, digest: inputDigest)
    }

    private func readWALFile(
        _ part: MultipartPart, _ parts: PartReader, _ input: inout ReplicationInput, _ hashes: inout ArtifactHashes
    ) async throws(IntakeError) {
        guard input.walFiles.count < limits.walFiles else { throw .tooManyWALFiles(limit: limits.walFiles) }
        let name = part.filename ?? "wal_files[\(input.walFiles.count)]"
        guard name.utf8.count <= limits.fileNameBytes else {
            throw .multipart(.badContentDisposition("the file name is too long"))
        }
        guard !hashes.walFiles.contains(where: { $0.name == name }) else { throw .repeatedWALFile }
        let sink = ArtifactSink(checksArchive: false)
        try await parts.stream(part, into: sink, upTo: limits.artifactBytes)
        let digest = sink.finish().digest
        hashes.walFiles.append((name, digest))
        if let content = digest.content { input.walFiles.append(.init(name: name, digest: content)) }
    }
}
