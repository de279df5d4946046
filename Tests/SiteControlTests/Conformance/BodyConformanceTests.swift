import Encoding
import Foundation
import TestSupport
import Testing

/// A body that is not what the operation asks for is 400 with every problem named, and nothing is written.
@Suite(.serialized) struct BodyConformanceTests {
    let panel: Panel

    init() async throws { panel = try await Panel.shared() }

    /// One wrong body.
    struct Case: Sendable, CustomTestStringConvertible {
        let template: String
        let body: String
        /// Of details.problems, in any order; nil where the body is no object that could have any.
        let fields: Set<String>?
        var testDescription: String { "\(template) \(body.prefix(80))" }
    }

    private static func cases(_ template: String, _ bodies: [(String, Set<String>?)]) -> [Case] {
        bodies.map { Case(template: template, body: $0.0, fields: $0.1) }
    }

    private static let id = "7d0f8a5e-3b8a-4d8c-9d53-0c2c8ab0f1aa"
    private static let long = String(repeating: "a", count: 201)

    static let login = cases("/api/login", [
        ("{}", ["email", "password"]), (#"{"email":"a@example.net"}"#, ["password"]), (#"{"password":"x"}"#, ["email"]),
        (#"{"email":"a@example.net","password":""}"#, ["password"]), (#"{"email":"","password":"x"}"#, ["email"]),
        (#"{"email":"not an address","password":"x"}"#, ["email"]), (#"{"email":"@example.net","password":"x"}"#, ["email"]),
        (#"{"email":"a@","password":"x"}"#, ["email"]), (#"{"email":1,"password":true}"#, ["email", "password"]),
        (#"{"email":null,"password":null}"#, ["email", "password"]), (#"{"email":["a@example.net"],"password":{}}"#, ["email", "password"]),
        (#"{"email":"a@example.net","password":"x","remember":true}"#, ["remember"]),
        (#"{"email":"a@example.net","password":"x","Email":"a"}"#, ["Email"]),
    ])

    static let siteCreate = cases("/api/sites", [
        ("{}", ["name", "slug"]), (#"{"name":"A"}"#, ["slug"]), (#"{"slug":"a"}"#, ["name"]),
        (#"{"name":"","slug":""}"#, ["name", "slug"]), (#"{"name":"   ","slug":"a"}"#, ["name"]), (#"{"name":"\t\n","slug":"a"}"#, ["name"]),
        (#"{"name":"\#(long)","slug":"a"}"#, ["name"]), (#"{"name":null,"slug":null}"#, ["name", "slug"]),
        (#"{"name":1,"slug":true}"#, ["name", "slug"]), (#"{"name":{},"slug":[]}"#, ["name", "slug"]),
        (#"{"name":"A","slug":"A"}"#, ["slug"]), (#"{"name":"A","slug":"a_b"}"#, ["slug"]), (#"{"name":"A","slug":"-a"}"#, ["slug"]),
        (#"{"name":"A","slug":"a-"}"#, ["slug"]), (#"{"name":"A","slug":"a b"}"#, ["slug"]), (#"{"name":"A","slug":"a.b"}"#, ["slug"]),
        (#"{"name":"A","slug":"é"}"#, ["slug"]), (#"{"name":"A","slug":"a\n"}"#, ["slug"]), (#"{"name":"A","slug":"a\u0000"}"#, ["slug"]),
        (#"{"name":"A","slug":"\#(String(repeating: "a", count: 64))"}"#, ["slug"]),
        (#"{"name":"A","slug":"a","expires_at":"2026-01-01T00:00:00Z"}"#, ["expires_at"]),
        (#"{"name":"A","slug":"a","node_id":null,"x":1}"#, ["node_id", "x"]),
        (#"{"name":"","slug":"A","x":1}"#, ["name", "slug", "x"]),
    ])

    private static func environment(_ members: String) -> String {
        #"{"name":"S","slug":"s","type":"staging","promotion_preset":"content-protect"\#(members)}"#
    }

    static let environmentCreate = cases("/api/sites/{id}/environments", [
        ("{}", ["name", "slug", "type", "promotion_preset"]),
        (#"{"name":"","slug":"S","type":"test","promotion_preset":"none"}"#, ["name", "slug", "type", "promotion_preset"]),
        (#"{"name":"S","slug":"s","type":"Staging","promotion_preset":"content-protect"}"#, ["type"]),
        (#"{"name":"S","slug":"s","type":1,"promotion_preset":null}"#, ["type", "promotion_preset"]),
        (#"{"name":"S","slug":"s","environment_type":"staging","promotion_preset":"content-protect"}"#, ["type", "environment_type"]),
        (environment(#","source_environment_id":"x""#), ["source_environment_id"]),
        (environment(#","source_environment_id":"""#), ["source_environment_id"]),
        (environment(#","source_environment_id":1"#), ["source_environment_id"]),
        (environment(#","source_environment_id":"\#(id)0""#), ["source_environment_id"]),
        (environment(#","expires_at":"2026-12-01T00:00:00Z""#), ["expires_at"]), (environment(#","expiry":60"#), ["expiry"]),
    ])

    static let siteImport = cases("/api/sites/{id}/import", [
        ("{}", ["archive_url"]), (#"{"archive_url":null}"#, ["archive_url"]), (#"{"archive_url":1}"#, ["archive_url"]),
        (#"{"archive_url":""}"#, ["archive_url"]), (#"{"archive_url":"archive.tar.gz"}"#, ["archive_url"]),
        (#"{"archive_url":"/tmp/a.tar.gz"}"#, ["archive_url"]), (#"{"archive_url":"http://files.example/a.tar.gz"}"#, ["archive_url"]),
        (#"{"archive_url":"file:///etc/passwd"}"#, ["archive_url"]), (#"{"archive_url":"ftp://files.example/a"}"#, ["archive_url"]),
        (#"{"archive_url":"s3://bucket/a"}"#, ["archive_url"]), (#"{"archive_url":"https://"}"#, ["archive_url"]),
        (#"{"archive_url":"https:///a"}"#, ["archive_url"]), (#"{"archive_url":"https://files.example/a b"}"#, ["archive_url"]),
        (#"{"archive_url":"https://files.example/a\n"}"#, ["archive_url"]), (#"{"archive_url":"javascript:alert(1)"}"#, ["archive_url"]),
        (#"{"archive_url":"https://files.example/a","overwrite":true}"#, ["overwrite"]),
    ])

    static let deploy = cases("/api/environments/{id}/deploy", [
        ("{}", ["source_type", "source_ref"]), (#"{"source_type":"svn","source_ref":""}"#, ["source_type", "source_ref"]),
        (#"{"source_type":"git","source_ref":null}"#, ["source_ref"]), (#"{"source_type":true,"source_ref":1}"#, ["source_type", "source_ref"]),
        (#"{"source_type":"git","source_ref":"-oProxyCommand=x"}"#, ["source_ref"]),
        (#"{"source_type":"git","source_ref":"https://git.example/a\u0007"}"#, ["source_ref"]),
        (#"{"source_type":"git","source_ref":"https://git.example/a\n"}"#, ["source_ref"]),
        (#"{"source_type":"upload","source_ref":"s3://b/\#(String(repeating: "k", count: 2048))"}"#, ["source_ref"]),
        (#"{"source_type":"upload","source_ref":"s3://b/k","force":true}"#, ["force"]),
    ])

    static let updates = cases("/api/environments/{id}/updates", [
        ("{}", ["scope"]), (#"{"scope":"everything"}"#, ["scope"]), (#"{"scope":null}"#, ["scope"]), (#"{"scope":["core"]}"#, ["scope"]),
        (#"{"scope":"ALL"}"#, ["scope"]), (#"{"scope":"core","dry_run":true}"#, ["dry_run"]),
    ])

    static let restore = cases("/api/environments/{id}/restore", [
        ("{}", ["backup_id"]), (#"{"backup_id":"x"}"#, ["backup_id"]), (#"{"backup_id":null}"#, ["backup_id"]), (#"{"backup_id":7}"#, ["backup_id"]),
        (#"{"backup_id":"{\#(id)}"}"#, ["backup_id"]), (#"{"backup_id":"\#(id)","table":"wp_posts"}"#, ["table"]),
    ])

    static let promote = cases("/api/environments/{id}/promote", [
        ("{}", ["target_environment_id"]), (#"{"target_environment_id":"x"}"#, ["target_environment_id"]),
        (#"{"target_environment_id":null}"#, ["target_environment_id"]),
    ] + ["override", "force", "confirm"].map { (#"{"target_environment_id":"\#(id)","\#($0)":true}"#, [$0]) })

    static let cache = cases("/api/environments/{id}/cache", [
        ("{}", nil), (#"{"fastcgi_cache_enabled":1}"#, ["fastcgi_cache_enabled"]), (#"{"fastcgi_cache_enabled":"true"}"#, ["fastcgi_cache_enabled"]),
        (#"{"redis_cache_enabled":0,"fastcgi_cache_enabled":[]}"#, ["redis_cache_enabled", "fastcgi_cache_enabled"]),
        (#"{"redis_cache_enabled":null}"#, ["redis_cache_enabled"]), (#"{"redis_cache_enabled":true,"fastcgi_cache_enabled":null}"#, ["fastcgi_cache_enabled"]),
        (#"{"redis_cache_enabled":true,"object_cache":true}"#, ["object_cache"]), (#"{"x":true}"#, nil),
    ])

    static let backups = cases("/api/environments/{id}/backups", [
        ("{}", ["backup_scope"]), (#"{"backup_scope":"database"}"#, ["backup_scope"]), (#"{"backup_scope":null}"#, ["backup_scope"]),
        (#"{"backup_scope":1}"#, ["backup_scope"]), (#"{"backup_scope":"db","retention_until":"2030-01-01T00:00:00Z"}"#, ["retention_until"]),
    ])

    static let domains = cases("/api/environments/{id}/domains", [
        ("{}", ["hostname"]), (#"{"hostname":null}"#, ["hostname"]), (#"{"hostname":true}"#, ["hostname"]),
        (#"{"hostname":"a.example","primary":true}"#, ["primary"]),
    ])

    static let all = login + siteCreate + environmentCreate + siteImport + deploy + updates + restore + promote + cache + backups + domains

    private func method(_ template: String) -> String { template.hasSuffix("/cache") ? "PATCH" : "POST" }

    private func target(_ template: String, _ site: SeededSite) -> String {
        template.replacing("{id}", with: template.hasPrefix("/api/sites/") ? site.site : site.staging)
    }

    @Test("a body with something wrong names all that is wrong", arguments: all)
    func wrong(_ wrong: Case) async throws {
        let site = try await panel.seed()
        let before = try await panel.counts(of: site)
        let answer = try await panel.send(method(wrong.template), target(wrong.template, site), wrong.body)
        answer.expectError(400, "bad_request", nil, wrong.testDescription)
        if let fields = wrong.fields {
            #expect(Set(answer.problemFields) == fields, "\(wrong.testDescription): \(answer.text)")
        } else {
            #expect(!answer.problemFields.isEmpty, "\(answer.text)")
        }
        #expect(answer.json["details"]?["problems"]?.array?.allSatisfy { $0["message"]?.string?.isEmpty == false } == true)
        #expect(try await panel.counts(of: site) == before)
    }

    static let withBody = Operation.withBody

    @Test("what is no JSON object is 400 wherever a body is taken", arguments: withBody)
    func notAnObject(_ operation: Operation) async throws {
        let site = try await panel.seed()
        let before = try await panel.counts(of: site)
        let body = operation.body ?? ""
        let bodies: [(String, [UInt8])] = [
            ("nothing", []), ("white space", Array(" \n".utf8)), ("null", Array("null".utf8)), ("an array", Array("[\(body)]".utf8)),
            ("a text", Array(#""text""#.utf8)), ("a number", Array("1".utf8)), ("cut off", Array(body.utf8.dropLast())),
            ("two values", Array("\(body) {}".utf8)), ("a comma too many", Array("\(body.dropLast()),}".utf8)),
            ("single quotes", Array(body.replacing("\"", with: "'").utf8)), ("a comment", Array("/**/\(body)".utf8)),
            ("a byte order mark", [0xEF, 0xBB, 0xBF] + Array(body.utf8)), ("no UTF-8", Array(#"{"name":""#.utf8) + [0xFF, 0xFE] + Array(#""}"#.utf8)),
            ("UTF-16", Array(body.utf16).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }),
            ("half a surrogate pair", Array(#"{"name":"\ud800"}"#.utf8)),
            ("a key twice", Array("\(body.dropLast()),\(body.dropFirst())".utf8)),
            ("10,000 arrays", Array((#"{"name":"# + String(repeating: "[", count: 10_000)).utf8)),
            ("1,000 objects", Array((String(repeating: #"{"a":"#, count: 1000) + "1" + String(repeating: "}", count: 1000)).utf8)),
        ]
        for (about, bytes) in bodies {
            let answer = try await panel.send(operation.method, target(operation.template, site), bytes: bytes)
            answer.expectError(400, "bad_request", nil, "\(operation.testDescription), \(about)")
        }
        #expect(try await panel.counts(of: site) == before)
    }

    @Test("a body of another media type, or of none, is 400", arguments: withBody)
    func mediaType(_ operation: Operation) async throws {
        let site = try await panel.seed()
        for type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "text/json", ""] {
            let answer = try await panel.send(
                operation.method, target(operation.template, site), operation.body, fields: ["Content-Type": type])
            answer.expectError(400, "bad_request", nil, "\(operation.testDescription), \(type)")
        }
        #expect(try await panel.count("jobs WHERE site_id = '\(site.site)'") == 0)
    }

    @Test("application/json may be spelled with parameters and in capitals", arguments: [
        "application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8",
    ])
    func mediaTypeSpelling(_ type: String) async throws {
        let site = try await panel.seed()
        let answer = try await panel.send(
            "PATCH", "/api/environments/\(site.staging)/cache", #"{"redis_cache_enabled":true}"#, fields: ["Content-Type": type])
        #expect(answer.status == 202, "\(answer.text)")
    }

    @Test("a body of more than 64 KiB is 400, one of 64 KiB is read", arguments: withBody)
    func tooLarge(_ operation: Operation) async throws {
        let site = try await panel.seed()
        let body = operation.body ?? ""
        let filled = String(repeating: " ", count: 65536 - body.utf8.count)
        let atLimit = try await panel.send(operation.method, target(operation.template, site), body + filled + " ")
        atLimit.expectError(400, "bad_request", nil, operation.testDescription)
        guard operation.template == "/api/environments/{id}/cache" else { return }
        let within = try await panel.send(operation.method, target(operation.template, site), body + filled)
        #expect(within.status == 202, "\(within.text)")
    }

    @Test("a body where none is taken is ignored, whatever it is", arguments: Operation.async.filter { $0.body == nil })
    func ignored(_ operation: Operation) async throws {
        let site = try await panel.seed()
        let id = operation.path == .domain
            ? try await panel.seedDomain(site.staging, "\(site.slug).example") : site.staging
        let answer = try await panel.send(operation.method, operation.target(id), #"{"unknown":1"#)
        #expect(answer.status == 202, "\(answer.text)")
    }

    @Test("the body is looked at after the id's syntax and before the resource's existence", arguments: withBody.filter { $0.path != .none })
    func order(_ operation: Operation) async throws {
        try await panel.send(operation.method, operation.target("not-an-id"), "{").expectError(404, "not_found", nil, operation.testDescription)
        try await panel.send(operation.method, operation.target(SeededSite.newID()), "{").expectError(400, "bad_request", nil, operation.testDescription)
        try await panel.send(operation.method, operation.target(SeededSite.newID()), operation.body?.replacing("BACKUP", with: SeededSite.newID())
            .replacing("TARGET", with: SeededSite.newID()).replacing("HOSTNAME", with: "a.example")
        ).expectError(404, "not_found", nil, operation.testDescription)
    }
}

extension Panel {
    /// What a refused request must leave as it was.
    func counts(of site: SeededSite) async throws -> JSONValue {
        try await row(
            """
            SELECT (SELECT count(*) FROM jobs WHERE site_id = '\(site.site)') AS jobs,
              (SELECT count(*) FROM environments WHERE site_id = '\(site.site)') AS environments,
              (SELECT count(*) FROM backups b JOIN environments e ON e.id = b.environment_id WHERE e.site_id = '\(site.site)') AS backups,
              (SELECT count(*) FROM domains d JOIN environments e ON e.id = d.environment_id WHERE e.site_id = '\(site.site)') AS domains,
              (SELECT count(*) FROM sites WHERE slug IN ('a', 'A', 'blog')) AS sites,
              (SELECT sum(state_version) FROM environments WHERE site_id = '\(site.site)') AS versions
            """)
    }
}
