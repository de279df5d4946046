import EventLoop
import Foundation
import Testing

@testable import ServiceKit

@Suite struct ConfigurationTests {
    private static let workers = Variable<Int>.defaulted("TRIVET_WORKERS", .integer(in: 0...64), to: "4", help: "workers")
    private static let secret = Variable<String?>.optional(
        "TRIVET_SIGNING_KEY", .text, disclosure: .secret, help: "a key")
    private static let schema =
        CommonVariables.schema(defaultPort: 8083) + ConfigurationSchema([workers.declared, secret.declared])
    private static let url = "postgres://svc:hunter2@db.example/app?sslmode=require"

    private func load(_ environment: [String: String]) throws -> Configuration {
        try ConfigurationLoader(environment: environment.merging(["TRIVET_DATABASE_URL": Self.url]) { given, _ in given })
            .load(Self.schema)
    }

    private func problems(_ environment: [String: String]) -> [String] {
        do {
            _ = try load(environment)
            return []
        } catch let problems as ConfigurationProblems {
            return problems.lines
        } catch {
            return ["\(error)"]
        }
    }

    @Test("what is not set has its default")
    func defaults() throws {
        let configuration = try load([:])
        #expect(configuration[CommonVariables.listen(defaultPort: 8083)] == (try SocketAddress(parsing: "127.0.0.1:8083")))
        #expect(configuration[Self.workers] == 4)
        #expect(configuration[CommonVariables.idleTimeout] == .seconds(75))
        #expect(configuration[CommonVariables.adminListen] == nil)
        #expect(!configuration.isSet(Self.workers))
    }

    @Test("an empty variable counts as not set")
    func emptyIsNotSet() throws {
        #expect(try load(["TRIVET_WORKERS": ""])[Self.workers] == 4)
    }

    @Test("every problem is told, one line each, by name")
    func allProblems() {
        let lines = problems([
            "TRIVET_WORKERS": "many", "TRIVET_LOG_LEVEL": "loud", "TRIVET_MAX_CONECTIONS": "1", "TRIVET_DATABASE_URL": "",
        ])
        #expect(
            lines == [
                "TRIVET_MAX_CONECTIONS is not a variable of this service; did you mean TRIVET_MAX_CONNECTIONS?",
                "TRIVET_DATABASE_URL is required: libpq URI of the role that serves",
                "TRIVET_LOG_LEVEL must be one of debug, info, warn, error, not \"loud\"",
                "TRIVET_WORKERS must be a whole number from 0 to 64, not \"many\"",
            ])
    }

    @Test("a name that resembles none gets no hint")
    func noHint() {
        #expect(problems(["TRIVET_ZZZZZZZZZ": "1"]) == ["TRIVET_ZZZZZZZZZ is not a variable of this service"])
    }

    @Test("a malformed secret is not repeated", arguments: [("TRIVET_SIGNING_KEY", "se\u{1}cret"), ("TRIVET_DATABASE_URL", "mysql://a:secret@b/c")])
    func malformedSecret(name: String, value: String) {
        let lines = problems([name: value])
        #expect(lines.count == 1 && lines[0].hasPrefix("\(name) must be "))
        #expect(!lines.joined().contains("secret@") && !lines.joined().contains("cret\""))
    }

    @Test("a value cannot forge a line of the report")
    func noForgedLine() {
        let lines = problems(["TRIVET_WORKERS": "1\nTRIVET_OK=1"])
        #expect(lines == ["TRIVET_WORKERS must be a whole number from 0 to 64, not \"1\\nTRIVET_OK=1\""])
    }

    @Test("a value may come from a file, without the newline at its end")
    func fromFile() throws {
        try withFile("s3cret\n") { path in
            let configuration = try load(["TRIVET_SIGNING_KEY_FILE": path])
            #expect(configuration[Self.secret] == "s3cret")
            #expect(problems(["TRIVET_SIGNING_KEY_FILE": path, "TRIVET_SIGNING_KEY": "x"]) == [
                "TRIVET_SIGNING_KEY is given more than once, by TRIVET_SIGNING_KEY and TRIVET_SIGNING_KEY_FILE: keep one"
            ])
        }
        #expect(problems(["TRIVET_SIGNING_KEY_FILE": "/nowhere"]) == [
            "TRIVET_SIGNING_KEY_FILE: cannot read /nowhere: it does not exist"
        ])
    }

    @Test("a variable whose own name ends in _FILE is no file form")
    func tlsCertFile() throws {
        let configuration = try load(["TRIVET_TLS_CERT_FILE": "/a", "TRIVET_TLS_KEY_FILE": "/b"])
        #expect(configuration[CommonVariables.tlsCertFile] == "/a")
        try withFile("/etc/cert.pem\n") { path in
            let configuration = try load(["TRIVET_TLS_CERT_FILE_FILE": path, "TRIVET_TLS_KEY_FILE": "/b"])
            #expect(configuration[CommonVariables.tlsCertFile] == "/etc/cert.pem")
        }
    }

    @Test("a value may come from a systemd credential, in either case", arguments: ["TRIVET_SIGNING_KEY", "trivet_signing_key"])
    func fromCredential(name: String) throws {
        let directory = NSTemporaryDirectory() + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try "from systemd".write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
        #expect(try load(["CREDENTIALS_DIRECTORY": directory])[Self.secret] == "from systemd")
    }

    @Test("a plain listener stays on loopback unless a proxy terminates TLS")
    func plainListener() throws {
        #expect(problems(["TRIVET_LISTEN": "0.0.0.0:80"]).first?.hasPrefix("TRIVET_LISTEN is 0.0.0.0:80: a listener without TLS") == true)
        #expect(problems(["TRIVET_ADMIN_LISTEN": "10.0.0.1:80"]).count == 1)
        #expect(problems(["TRIVET_LISTEN": "0.0.0.0:80", "TRIVET_BEHIND_TLS_PROXY": "true"]).isEmpty)
        #expect(problems(["TRIVET_LISTEN": "0.0.0.0:443", "TRIVET_TLS_CERT_FILE": "/a", "TRIVET_TLS_KEY_FILE": "/b"]).isEmpty)
        #expect(problems(["TRIVET_LISTEN": "unix:/run/x.sock"]).isEmpty)
        #expect(problems(["TRIVET_TLS_CERT_FILE": "/a"]) == [
            "TRIVET_TLS_KEY_FILE is not set: a certificate and its key are given both or neither"
        ])
    }

    @Test("the S3 variables are given together, and not beside a directory store")
    func stores() {
        #expect(problems(["TRIVET_S3_ENDPOINT": "https://s3.example"]).count == 2)
        #expect(problems([
            "TRIVET_S3_ENDPOINT": "https://s3.example", "TRIVET_S3_ACCESS_KEY_ID": "a",
            "TRIVET_S3_SECRET_ACCESS_KEY": "b", "TRIVET_OBJECT_STORE_ROOT": "/x",
        ]).count == 1)
    }

    @Test("the report shows what is in force and where it is from, without secrets")
    func report() throws {
        let report = try load(["TRIVET_SIGNING_KEY": "hush", "TRIVET_WORKERS": "9"]).report
        #expect(report.contains("TRIVET_DATABASE_URL=postgres://svc:[redacted]@db.example/app?sslmode=require  # environment"))
        #expect(report.contains("TRIVET_SIGNING_KEY=[redacted]  # environment"))
        #expect(report.contains("TRIVET_WORKERS=9  # environment"))
        #expect(report.contains("TRIVET_LISTEN=127.0.0.1:8083  # default"))
        #expect(report.contains("# TRIVET_ADMIN_LISTEN is not set"))
        #expect(!report.joined().contains("hush") && !report.joined().contains("hunter2"))
    }

    @Test(
        "a URL is shown without what is secret in it",
        arguments: [
            ("postgres://u:p@h/d", "postgres://u:[redacted]@h/d"),
            ("postgres://u:p@ss@h/d", "postgres://u:[redacted]@h/d"),
            ("postgres://u@h/d?password=p&x=1", "postgres://u@h/d?password=[redacted]&x=1"),
            ("postgres://u@h/d?p%61ssword=p", "postgres://u@h/d?p%61ssword=[redacted]"),
            ("postgres://u:a/b@h/d", "postgres://[redacted]"),
            ("host=h password=p", "[redacted]"),
        ])
    func redactedURL(text: String, shown: String) {
        #expect(Redaction.url(text) == shown)
    }

    @Test("a secret has no textual form")
    func secretHasNoText() {
        let value = Secret("hush")
        #expect("\(value) \(String(reflecting: value)) \([value])" == "[redacted] [redacted] [[redacted]]")
        var dumped = ""
        dump(value, to: &dumped)
        #expect(!dumped.contains("hush"))
        #expect(value.reveal() == "hush")
    }

    @Test(
        "malformed values are refused",
        arguments: [
            ("TRIVET_LISTEN", "localhost"), ("TRIVET_LISTEN", "127.0.0.1:99999"), ("TRIVET_LISTEN", "unix:relative"),
            ("TRIVET_EVENT_LOOPS", "0"), ("TRIVET_EVENT_LOOPS", "+2"), ("TRIVET_EVENT_LOOPS", "99999999999999999999"),
            ("TRIVET_BEHIND_TLS_PROXY", "yes"), ("TRIVET_HEADER_TIMEOUT_MS", "10s"), ("TRIVET_HEADER_TIMEOUT_MS", "-1"),
            ("TRIVET_PUBLIC_URL", "https://a.example/path"), ("TRIVET_PUBLIC_URL", "ftp://a"), ("TRIVET_PUBLIC_URL", "https://u:p@a"),
            ("TRIVET_S3_BUCKETS", "a,,b"), ("TRIVET_OBJECT_STORE_ROOT", "relative"), ("TRIVET_LOG_FORMAT", "xml"),
            ("TRIVET_DATABASE_URL", "host=x"),
        ])
    func malformed(name: String, value: String) {
        let lines = problems([name: value])
        #expect(lines.count == 1 && lines[0].hasPrefix("\(name) must be "), "\(lines)")
    }

    private func withFile(_ text: String, _ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + UUID().uuidString
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }
}
