import Encoding
import SiteControlDomain
import Testing
@testable import SiteControl

@Suite struct ResultReaderTests {
    static let checksum = "sha256:" + String(repeating: "0a", count: 32)
    static let snapshot = #""snapshot":{"checksum":"\#(checksum)","size_bytes":5}"#
    static let measured = #""db_checksums":{"posts":{"rows":1,"checksum":"c"}},"file_checksums":{"wp-content/uploads":{"files":0,"checksum":"d"}}"#

    /// A valid result of each type.
    static let valid: [JobType: String] = [
        .nodeProvision: #"{"public_ip":"198.51.100.7","versions":{"nginx":"1.22"}}"#,
        .siteCreate: #"{"release_path":"/r","wordpress_version":"6.5"}"#,
        .siteImport: #"{"release_path":"/r","source_url":"http://a","target_url":"http://b",\#(snapshot),"pre_change_dump":"/d"}"#,
        .environmentCreate: #"{"release_path":"/r","baseline":{\#(measured)}}"#,
        .environmentDeploy: #"{"release_path":"/r"}"#,
        .environmentUpdate: #"{"release_path":"/r",\#(snapshot),"updated":["core"]}"#,
        .environmentRestore: #"{"release_path":"/r",\#(snapshot)}"#,
        .environmentPromote: #"{"release_path":"/r","baseline":{\#(measured)},"pre_change_dump":"/d"}"#,
        .cacheToggle: #"{"fastcgi_cache_enabled":true,"redis_cache_enabled":false}"#,
        .cachePurge: #"{"page_cache_entries":0,"object_cache_keys":3}"#,
        .backupCreate: #"{"checksum":"\#(checksum)","size_bytes":1}"#,
        .domainAdd: #"{"certificate_expires_at":"2027-01-02T03:04:05Z","rewritten":true}"#,
        .domainRemove: #"{"rewritten":false}"#,
        .driftCheck: "{\(measured)}",
        .healthCheck: #"{"healthy":true,"checks":{"http":true,"wp_cli":true,"database":false}}"#,
        .backupCleanup: #"{"deleted":["0f9e8d7c-0000-4000-8000-000000000001"],"missing":[]}"#,
        .releaseRollback: #"{"release_path":"/r"}"#,
    ]

    private func read(_ text: String, _ type: JobType, expectsSnapshot: Bool = false) throws -> JobResult {
        try ResultReader.read(Array(text.utf8), of: type, expectsSnapshot: expectsSnapshot)
    }

    @Test("every type has its form, and members it does not know are ignored", arguments: JobType.allCases)
    func forms(_ type: JobType) throws {
        let text = try #require(Self.valid[type])
        let result = try read(text, type)
        #expect(result.type == type)
        #expect(try read(#"{"more":[1],"# + text.dropFirst(), type) == result)
    }

    @Test("a missing, null or mistyped member makes it invalid", arguments: JobType.allCases)
    func broken(_ type: JobType) throws {
        let form = try #require(Self.valid[type])
        let object = try #require(try JSONReader.parse(form).object)
        let mayBeAbsent: Set = ["pre_change_dump"]
        for member in object.members {
            for replacement: JSONValue? in [nil, .null, .array([.null]), .number(JSONNumber(-1)), .string("")] {
                if mayBeAbsent.contains(member.key), replacement == nil || replacement == .null || replacement == "" { continue }
                // Where no backup was planned, null says that none was taken.
                if member.key == "snapshot", replacement == .null { continue }
                var changed = object
                changed[member.key] = replacement
                let text = String(decoding: JSONValue.object(changed).bytes, as: UTF8.self)
                #expect(throws: ResultReader.Invalid.self, "\(text)") { try read(text, type) }
            }
        }
        for text in ["", "[]", "null", "{", "{} {}", #"{"a":1,"a":1}"#] {
            #expect(throws: ResultReader.Invalid.self) { try read(text, type) }
        }
    }

    @Test("a planned backup must have been taken")
    func snapshots() throws {
        let text = #"{"release_path":"/r","snapshot":null,"updated":[]}"#
        #expect(try read(text, .environmentUpdate) == .updated(ChangedRelease(path: "/r"), updated: []))
        #expect(throws: ResultReader.Invalid.self) { try read(text, .environmentUpdate, expectsSnapshot: true) }
    }

    @Test("checksums, sizes, addresses, times and ids are looked at", arguments: [
        (JobType.backupCreate, #"{"checksum":"sha256:00","size_bytes":1}"#),
        (.backupCreate, #"{"checksum":"\#(checksum)","size_bytes":0}"#),
        (.backupCreate, #"{"checksum":"\#(checksum)","size_bytes":1.5}"#),
        (.nodeProvision, #"{"public_ip":"198.51.100","versions":{}}"#),
        (.nodeProvision, #"{"public_ip":"2001:db8::1","versions":{}}"#),
        (.nodeProvision, #"{"public_ip":"198.51.100.7","versions":{"nginx":1}}"#),
        (.domainAdd, #"{"certificate_expires_at":"tomorrow","rewritten":true}"#),
        (.backupCleanup, #"{"deleted":["x"],"missing":[]}"#),
        (.environmentDeploy, #"{"release_path":"relative"}"#),
        (.driftCheck, #"{"db_checksums":{"posts":{"rows":-1,"checksum":"c"}},"file_checksums":{}}"#),
        (.healthCheck, #"{"healthy":true,"checks":{"http":true,"wp_cli":true}}"#),
    ])
    func values(type: JobType, text: String) {
        #expect(throws: ResultReader.Invalid.self) { try read(text, type) }
    }
}
