import Encoding
import EventLoop
import TestSupport
import Testing

/// Section 3 of the reference for migrations: bodies that are not parseable, or lack what is required.
@Suite(.serialized) struct MigrationBodyConformanceTests {
    let target: Conformance

    init() async throws { target = try await Conformance.shared() }

    static let config = Array(Conformance.config().utf8)
    static let manifest = Array(Conformance.manifest(hash: Conformance.sha256(config)).utf8)
    static let parts = [
        FormPart(name: "migration_manifest", content: manifest), FormPart(name: "app_config", content: config),
    ]

    // MARK: JSON

    static func nested(_ open: String, _ close: String, _ depth: Int) -> String {
        String(repeating: open, count: depth) + String(repeating: close, count: depth)
    }

    typealias Bytes = Row<[UInt8]>

    private static func text(_ name: String, _ text: String) -> Bytes { Row(name, Array(text.utf8)) }

    private static func bytes(_ name: String, _ bytes: [UInt8]) -> Bytes { Row(name, bytes) }

    /// The good manifest with one more member.
    private static func member(_ name: String, _ member: String) -> Bytes {
        Row(name, Array(manifest.dropLast()) + Array(",\(member)}".utf8))
    }

    /// The good manifest with one more string, of these bytes.
    private static func string(_ name: String, _ bytes: [UInt8]) -> Bytes {
        Row(name, Array(manifest.dropLast()) + Array(",\"x\":\"".utf8) + bytes + Array("\"}".utf8))
    }

    private static let manifestText = String(decoding: manifest, as: UTF8.self)
    private static let deepObjects =
        String(repeating: "{\"a\":", count: 50_000) + "1" + String(repeating: "}", count: 50_000)

    static let badJSON: [Bytes] = [
        text("empty", ""), text("blank", " \n"), text("text", "hello"), bytes("truncated", manifest.dropLast()),
        text("something behind", "\(manifestText)x"), text("two values", "\(manifestText)\(manifestText)"),
        text("a trailing comma", "\(manifestText.dropLast()),}"), text("a comment", "/* x */\(manifestText)"),
        text("single quotes", manifestText.replacing("\"", with: "'")),
        text("YAML", "app_id: a\nenv: prod\nversion: 1\nconfig_sha256: x\n"), member("NaN", "\"x\":NaN"),
        member("a leading zero", "\"x\":01"), member("a control character", "\"x\":\"\u{1}\""),
        member("a bad escape", "\"x\":\"\\q\""), member("a duplicate key", "\"env\":\"prod\""),
        member("a duplicate key in escapes", "\"\\u0065nv\":\"staging\""),
        member("a duplicate key further in", "\"x\":[{\"a\":1,\"a\":2}]"),
        string("invalid UTF-8", [0xff]), string("an overlong form", [0xc0, 0xaf]),
        string("a surrogate in UTF-8", [0xed, 0xa0, 0x80]),
        bytes("UTF-16", manifest.flatMap { [$0, 0] }),
        bytes("UTF-16 with a mark", [0xff, 0xfe] + manifest.flatMap { [$0, 0] }),
        bytes("UTF-32", manifest.flatMap { [0, 0, 0, $0] }), bytes("zero bytes", [UInt8](repeating: 0, count: 100)),
        member("too deep arrays", "\"x\":\(nested("[", "]", 100_000))"),
        member("too deep objects", "\"x\":\(deepObjects)"),
        text("too deep and cut off", String(repeating: "[", count: 500_000)),
    ]

    @Test("a manifest that is not parseable", arguments: badJSON)
    func badManifest(_ row: Row<[UInt8]>) async throws {
        try await target.migrate(manifest: row.value, MigrationBodyConformanceTests.config).expect(400, ["PARSE_ERROR"])
    }

    // MARK: YAML

    /// The good config with another line.
    private static func line(_ name: String, _ line: String) -> Bytes { text(name, Conformance.config(line)) }

    private static let deepFlow = String(repeating: "{a: ", count: 50_000) + "1" + String(repeating: "}", count: 50_000)
    private static let deepBlocks = (1...1000).map { String(repeating: " ", count: $0) + "a:\n" }.joined()

    /// Each of twelve sequences names the one before nine times.
    private static let laughs: String = {
        var lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
        for level in 1...12 {
            let nine = [String](repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            lines.append("a\(level): &a\(level) [\(nine)]")
        }
        return lines.joined(separator: "\n")
    }()

    static let badYAML: [Bytes] = [
        text("a tab for indentation", "tls:\n\tenabled: true\nports: []\n"), line("an open quote", "x: \"abc"),
        line("an open bracket", "x: [443"), line("a stray colon", "x: a: b"),
        line("a duplicate key", "tls:\n  enabled: false"),
        line("a duplicate key in quotes", "\"tls\": {enabled: true}"),
        line("a duplicate key further in", "x:\n  - {a: 1, b: 2, a: 3}"),
        line("an unknown alias", "x: *nobody"), line("a bad escape", "x: \"\\q\""),
        line("too deep flow", "x: \(nested("[", "]", 50_000))"),
        line("too deep mappings", "x: \(deepFlow)"), line("too deep blocks", "x:\n\(deepBlocks)"),
        line("many aliases of many aliases", laughs),
        bytes("invalid UTF-8", config + Array("x: ".utf8) + [0xff, 10]),
        bytes("invalid UTF-8 in a comment", config + [0x23, 0xc3, 0x28, 10]),
        bytes("an overlong form", config + Array("x: ".utf8) + [0xc0, 0xaf, 10]),
        bytes("UTF-16", config.flatMap { [$0, 0] }),
        bytes("UTF-16 with a mark", [0xff, 0xfe] + config.flatMap { [$0, 0] }),
        bytes("UTF-16, big endian, with a mark", [0xfe, 0xff] + config.flatMap { [0, $0] }),
        bytes("a zero byte", config + [0, 10]), bytes("a control character", config + Array("x: ".utf8) + [7, 10]),
    ]

    @Test("a config that is not parseable", arguments: badYAML)
    func badConfig(_ row: Row<[UInt8]>) async throws {
        for env in ["prod", "staging"] { try await target.migrate(env: env, row.value).expect(400, ["PARSE_ERROR"]) }
    }

    @Test("a config that is no mapping", arguments: ["- a\n- b\n", "hello\n", "443\n", "null\n", "'tls'\n"])
    func noMapping(_ text: String) async throws { try await target.migrate(text).expect(400, ["SCHEMA_INVALID"]) }

    @Test("a config without anything in it", arguments: ["", "\n", "# nothing\n", "---\n"])
    func emptyConfig(_ text: String) async throws {
        try await target.migrate(text).expectBlocked([400], oneOf: ["SCHEMA_INVALID", "PARSE_ERROR"])
    }

    @Test("two documents in one config are no ALLOW")
    func twoDocuments() async throws {
        let verdict = try await target.migrate(Conformance.config() + "---\ntls: {enabled: false}\n")
        verdict.expectBlocked([400], oneOf: ["PARSE_ERROR", "SCHEMA_INVALID"])
    }

    @Test("a byte order mark is hashed with the rest, whatever else is made of it")
    func byteOrderMark() async throws {
        let bytes = [0xef, 0xbb, 0xbf] + MigrationBodyConformanceTests.config
        let verdict = try await target.migrate(bytes)
        #expect(verdict.codes == [] || verdict.codes == ["PARSE_ERROR"], "\(verdict.response.text)")
        #expect(verdict.hashes["config"]?.string ?? Conformance.sha256(bytes) == Conformance.sha256(bytes))
        let other = try await target.migrate(bytes, hash: Conformance.sha256(MigrationBodyConformanceTests.config))
        #expect(other.decision == "BLOCK")
    }

    // MARK: Sizes

    @Test("a document of TRIVET_MAX_DOCUMENT_BYTES is judged, one byte more is not")
    func sizes() async throws {
        func padded(_ bytes: [UInt8], to count: Int, with filler: Character) -> [UInt8] {
            bytes + Array(String(repeating: filler, count: count - bytes.count).utf8)
        }
        let limit = 1_048_576
        let config = padded(MigrationBodyConformanceTests.config + Array("#".utf8), to: limit, with: "x")
        try await target.migrate(config).expect(200, [])
        try await target.migrate(config + Array("x".utf8)).expect(400, ["PARSE_ERROR"])
        try await target.migrate(config + config + config).expect(400, ["PARSE_ERROR"])
        let manifest = padded(MigrationBodyConformanceTests.manifest, to: limit, with: " ")
        try await target.migrate(manifest: manifest, MigrationBodyConformanceTests.config).expect(200, [])
        try await target.migrate(manifest: manifest + [32], MigrationBodyConformanceTests.config).expect(
            400, ["PARSE_ERROR"])
    }

    // MARK: Form

    @Test("parts may come in any order, with any file name and type")
    func order() async throws {
        var parts = MigrationBodyConformanceTests.parts
        try await target.form(Page.migration, parts).expect(200, [])
        try await target.form(Page.migration, parts.reversed()).expect(200, [])
        for (name, type) in [
            ("../../etc/passwd", "text/plain"), ("app_config", "application/octet-stream"), ("", "image/png"),
        ] {
            for index in parts.indices { (parts[index].filename, parts[index].contentType) = (name, type) }
            try await target.form(Page.migration, parts).expect(200, [])
        }
    }

    @Test("a required part is missing, or has another name", arguments: ["migration_manifest", "app_config"])
    func missingPart(_ name: String) async throws {
        let others = MigrationBodyConformanceTests.parts.filter { $0.name != name }
        let verdict = try await target.form(Page.migration, others)
        verdict.expect(400, ["SCHEMA_INVALID"])
        #expect(verdict.message("SCHEMA_INVALID").contains(name))
        for other in [name.uppercased(), "\(name) ", "\(name)s", "manifest"] {
            var renamed = MigrationBodyConformanceTests.parts
            for index in renamed.indices where renamed[index].name == name { renamed[index].name = other }
            try await target.form(Page.migration, renamed).expectBlocked(
                [400], oneOf: ["SCHEMA_INVALID", "PARSE_ERROR"], other)
        }
        try await target.form(Page.migration, []).expectBlocked([400], oneOf: ["SCHEMA_INVALID", "PARSE_ERROR"])
    }

    @Test("a repeated part is no ALLOW, be it the same or another", arguments: [0, 1])
    func repeatedPart(_ index: Int) async throws {
        let parts = MigrationBodyConformanceTests.parts
        for content in [parts[index].content, Array("other".utf8)] {
            for repeated in [
                parts + [FormPart(name: parts[index].name, content: content)],
                [FormPart(name: parts[index].name, content: content)] + parts,
            ] {
                try await target.form(Page.migration, repeated).expectBlocked(
                    [400], oneOf: ["SCHEMA_INVALID", "PARSE_ERROR"])
            }
        }
    }

    @Test(
        "a body of another type",
        arguments: [
            "application/json", "text/plain", "application/x-www-form-urlencoded",
            "multipart/mixed; boundary=\(FormBody.boundary)", "multipart/form-data",
            "multipart/form-data; boundary=", "multipart/form-data; boundary=\(String(repeating: "b", count: 200))",
            "nonsense", "",
        ])
    func otherType(_ type: String) async throws {
        let body = FormBody(MigrationBodyConformanceTests.parts).bytes
        let verdict = try await target.send("POST", Page.migration, ["Content-Type": type], body)
        verdict.expectBlocked([400], oneOf: ["PARSE_ERROR", "SCHEMA_INVALID"])
    }

    static let good = FormBody(parts).bytes
    static let lastDelimiter = FormBody.boundary.utf8.count + 6
    private static let goodText = String(decoding: good, as: UTF8.self)
    private static let disposition = "Content-Disposition: form-data; name=\"app_config\""

    static let badForms: [Bytes] = [
        bytes("empty", []), bytes("without the last delimiter", good.dropLast(lastDelimiter)),
        bytes("cut in the last part", good.dropLast(lastDelimiter + 20)),
        bytes("cut in the head of a part", Array(good.prefix(90))),
        text("another boundary", goodText.replacing("trivet", with: "triple")), text("no delimiter at all", "hello"),
        text("a part without a name", goodText.replacing("; name=\"app_config\"", with: "")),
        text("a part without a disposition", goodText.replacing(disposition, with: "X-A: b")),
    ]

    @Test("a form that is not parseable", arguments: badForms)
    func badForm(_ row: Row<[UInt8]>) async throws {
        let fields = ["Content-Type": "multipart/form-data; boundary=\(FormBody.boundary)"]
        try await target.send("POST", Page.migration, fields, row.value).expectBlocked(
            [400], oneOf: ["PARSE_ERROR", "SCHEMA_INVALID"])
    }

    // MARK: Transfer

    @Test("a chunked body is the same body, in pieces of any size", arguments: [1, 7, 1000, 1 << 20])
    func chunked(_ size: Int) async throws {
        let good = MigrationBodyConformanceTests.good
        var bytes = head("Transfer-Encoding: chunked")
        for start in stride(from: 0, to: good.count, by: size) {
            let piece = good[start..<min(start + size, good.count)]
            bytes += Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + [13, 10]
        }
        try await target.recorded(try await target.exchange(bytes + Array("0\r\n\r\n".utf8)), Page.migration).expect(
            200, [])
    }

    @Test("a chunk that is none", arguments: ["zz\r\nabc\r\n", "-1\r\n\r\n", "5\r\nabc", "ffffffffffffffffff\r\n"])
    func badChunk(_ chunk: String) async throws {
        let bytes = head("Transfer-Encoding: chunked") + Array("\(chunk)\r\n0\r\n\r\n".utf8)
        let verdict = try await target.recorded(try await target.exchange(bytes), Page.migration)
        verdict.expectBlocked([400], oneOf: ["PARSE_ERROR"])
    }

    @Test("a client that leaves in the middle of its body leaves one record, a BLOCK", arguments: [0, 1, 100, 400])
    func leaves(_ count: Int) async throws {
        let id = "leaves-\(count)-\(MonotonicTime.now().nanoseconds)"
        let good = MigrationBodyConformanceTests.good
        let bytes = head("Content-Length: \(good.count)\r\nX-Request-Id: \(id)") + good.prefix(count)
        let address = target.address
        try await TestLoops.run {
            let client = try await TestClient.connect(to: address)
            try await client.send(bytes)
            client.close()
        }
        func records() async throws -> [JSONValue] {
            try await target.service.auditRecords().filter { $0["client_request_id"]?.string == id }
        }
        try await Conformance.eventually("a record") { try await !records().isEmpty }
        let found = try await records()
        #expect(found.count == 1)
        #expect(found.first?["decision"]?.string == "BLOCK")
        #expect(found.first?["scenario"]?.string == "T1")
    }

    private func head(_ fields: String) -> [UInt8] {
        Array(
            ("POST \(Page.migration) HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer \(target.service.validatorToken)\r\n"
                + "Content-Type: multipart/form-data; boundary=\(FormBody.boundary)\r\n\(fields)\r\n\r\n").utf8)
    }
}
