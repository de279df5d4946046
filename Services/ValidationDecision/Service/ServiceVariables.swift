import ServiceKit

/// What this service may be told beyond the variables that all services share. The names are binding.
enum ServiceVariables {
    static let maxDocumentBytes = Variable<Int>.defaulted(
        "TRIVET_MAX_DOCUMENT_BYTES", .integer(in: 1...67_108_864), to: "1048576",
        help: "bytes of a manifest or an application configuration")
    static let maxArtifactBytes = Variable<Int>.defaulted(
        "TRIVET_MAX_ARTIFACT_BYTES", .integer(in: 1...1_125_899_906_842_624), to: "10737418240",
        help: "bytes of a snapshot or a WAL file")
    static let maxWALFiles = Variable<Int>.defaulted(
        "TRIVET_MAX_WAL_FILES", .integer(in: 0...1024), to: "64", help: "wal_files parts of one request")
    static let fetchConnectTimeout = Variable<Duration>.defaulted(
        "TRIVET_FETCH_CONNECT_TIMEOUT_MS", .milliseconds(in: 1...3_600_000), to: "2000",
        help: "time to connect to the object store, milliseconds")
    static let fetchStallTimeout = Variable<Duration>.defaulted(
        "TRIVET_FETCH_STALL_TIMEOUT_MS", .milliseconds(in: 1...3_600_000), to: "15000",
        help: "time without a byte from the object store, milliseconds")
    static let fetchDeadline = Variable<Duration>.defaulted(
        "TRIVET_FETCH_DEADLINE_MS", .milliseconds(in: 1...86_400_000), to: "600000",
        help: "time for one object from the object store, milliseconds")
    static let verifyArchives = Variable<Bool>.defaulted(
        "TRIVET_VERIFY_ARCHIVES", .flag, to: "false", help: "whether a snapshot must be a well-formed tar.gz")
    static let policyVersion = Variable<String?>.optional(
        "TRIVET_POLICY_VERSION", .text, help: "policy version in the audit log (that of the built-in policy if not set)")

    static let defaultPort = 8083

    static let schema = ConfigurationSchema([
        maxDocumentBytes.declared, maxArtifactBytes.declared, maxWALFiles.declared, fetchConnectTimeout.declared,
        fetchStallTimeout.declared, fetchDeadline.declared, verifyArchives.declared, policyVersion.declared,
    ])
}
