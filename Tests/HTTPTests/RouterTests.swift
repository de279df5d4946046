import Encoding
@testable import HTTP
import Testing

@Suite struct RouterTests {
    private func makeRouter() throws -> Router<String> {
        try Router([
            .init(.get, "/healthz", "health"),
            .init(.get, "/v1/sites", "list"),
            .init(.post, "/v1/sites", "create"),
            .init(.get, "/v1/sites/{site}", "read"),
            .init(.delete, "/v1/sites/{site}", "delete"),
            .init(.get, "/v1/sites/new", "form"),
            .init(.get, "/v1/sites/{site}/jobs/{job}", "job"),
            .init(.get, "/v1/sites/new/help", "help"),
            .init(.options, "/v1/own", "own options"),
            .init(.head, "/v1/own", "own head"),
            .init(.get, "/v1/own", "own get"),
            .init(.get, "/", "root"),
        ])
    }

    private func outcome(_ method: HTTPMethod, _ path: String) throws -> String {
        let (match, parameters) = try makeRouter().match(method, path: path)
        switch match {
        case .endpoint(let endpoint, _):
            let values = ["site", "job"].compactMap { name in parameters[name].map { "\(name)=\($0)" } }
            return ([endpoint] + values).joined(separator: " ")
        case .options(let allow): return "options \(allow.allowFieldValue)"
        case .notFound: return "not found"
        case .methodNotAllowed(let allow): return "allow \(allow.allowFieldValue)"
        case .badPath(let error): return "\(error)"
        }
    }

    @Test("paths lead where the table says", arguments: [
        (.get, "/", "root"), (.get, "/healthz", "health"), (.head, "/healthz", "health"), (.get, "/healthz/", "not found"),
        (.get, "//healthz", "not found"), (.get, "/Healthz", "not found"), (.get, "/health", "not found"),
        (.get, "/v1", "not found"), (.get, "/v1/sites", "list"), (.post, "/v1/sites", "create"),
        (.get, "/v1/sites/", "not found"), (.get, "/v1/sites/a", "read site=a"), (.get, "/v1/sites/new", "form"),
        (.get, "/v1/sites/newer", "read site=newer"), (.get, "/v1/sites/a%20b", "read site=a b"),
        (.get, "/v1/sites/%C3%A9", "read site=é"), (.get, "/v1/sites/a+b", "read site=a+b"),
        (.get, "/v1/sites/%252F", "read site=%2F"), (.get, "/v1/sites/a/jobs/7", "job site=a job=7"),
        (.get, "/v1/sites/new/jobs/7", "job site=new job=7"), (.get, "/v1/sites/new/help", "help"),
        (.get, "/v1/sites//jobs/7", "not found"), (.get, "/v1/sites/a/jobs/", "not found"),
        (.get, "/v1/sites/a/jobs/7/x", "not found"), (.get, "/%76%31/sites", "not found"), (.get, "", "not found"),
        (.get, "v1/sites", "not found"), (.get, "*", "not found"),
        (.delete, "/v1/sites", "allow GET, HEAD, POST, OPTIONS"),
        (.delete, "/v1/sites/new", "allow GET, HEAD, OPTIONS"),
        (.other("TRACE"), "/healthz", "allow GET, HEAD, OPTIONS"),
        (.options, "/healthz", "options GET, HEAD, OPTIONS"),
        (.options, "/v1/sites/x", "options GET, HEAD, DELETE, OPTIONS"), (.options, "/v1/nothing", "not found"),
        (.options, "/v1/own", "own options"), (.head, "/v1/own", "own head"),
        (.options, "*", "options GET, HEAD, POST, DELETE, OPTIONS"),
    ] as [(HTTPMethod, String, String)])
    func matching(method: HTTPMethod, path: String, expected: String) throws {
        #expect(try outcome(method, path) == expected)
    }

    @Test("a path parameter is decoded once, and refused where it hides a slash or is malformed", arguments: [
        ("/v1/sites/a%2Fb", BadPath.encodedSlash(parameter: "site")),
        ("/v1/sites/a%2fb", .encodedSlash(parameter: "site")), ("/v1/sites/%5C", .encodedSlash(parameter: "site")),
        ("/v1/sites/a/jobs/%2F", .encodedSlash(parameter: "job")),
        ("/v1/sites/%00", .badEncoding(parameter: "site", .nul)), ("/v1/sites/%", .badEncoding(parameter: "site", .malformed)),
        ("/v1/sites/%4", .badEncoding(parameter: "site", .malformed)),
        ("/v1/sites/%g0", .badEncoding(parameter: "site", .malformed)),
        ("/v1/sites/%ff", .badEncoding(parameter: "site", .notUTF8)),
    ])
    func badParameters(path: String, error: BadPath) throws {
        guard case .badPath(let found) = try makeRouter().match(.get, path: path).match else {
            Issue.record("not refused")
            return
        }
        #expect(found == error)
    }

    @Test("a table that means two things is refused", arguments: [
        ("/a/{x}", "/a/{y}", RouterError.duplicate(.get, "/a/{y}")), ("/a", "/a", .duplicate(.get, "/a")),
        ("/a", "b", .malformedPattern("b")), ("/a", "/{x}/{x}", .malformedPattern("/{x}/{x}")),
        ("/a", "/{}", .malformedPattern("/{}")), ("/a", "/a{x}", .malformedPattern("/a{x}")),
        ("/a", "/a?b", .malformedPattern("/a?b")), ("/a", "/%41", .malformedPattern("/%41")),
        ("/a", "/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}/{9}", .malformedPattern("/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}/{9}")),
    ])
    func badTables(first: String, second: String, error: RouterError) {
        #expect(throws: error) { try Router([.init(.get, first, 1), .init(.get, second, 2)]) }
    }

    @Test("the router fills the request's parameters, and a new request has none")
    func requestMatching() throws {
        let router = try makeRouter()
        var parser = RequestParser()
        let request = Request()
        for (path, site) in [("/v1/sites/x", "x"), ("/v1/sites", nil), ("/v1/sites/y", "y")] {
            let bytes = Array("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
            _ = try bytes.withUnsafeBytes { try parser.parse($0, into: request) }
            #expect(request.parameters.isEmpty)
            _ = router.match(request)
            #expect(request.parameters["site"] == site)
        }
    }

    @Test("a UUID is a path parameter in its text form only")
    func uuids() {
        let text = "0192d1a0-7c1e-7c7a-9a51-3f5e3a9c1f11"
        #expect(UUID(pathParameter: text) == UUID(text))
        #expect(UUID(pathParameter: text) != nil)
        for bad in ["", "x", text + "0", "{\(text)}"] { #expect(UUID(pathParameter: bad) == nil) }
    }

    @Test("parameters become values or say which one does not")
    func typedParameters() throws {
        let router = try Router([.init(.get, "/{number}/{text}", ())])
        let parameters = router.match(.get, path: "/-12/x").parameters
        #expect(try parameters.value("number", as: Int.self) == -12)
        #expect(try parameters.value("text") == "x")
        #expect(throws: PathParameterError.malformed("text")) { try parameters.value("text", as: Int.self) }
        #expect(throws: PathParameterError.missing("other")) { try parameters.value("other", as: Int.self) }
        for text in ["+1", "01", "1.0", "", "99999999999999999999", "-0"] {
            #expect(Int(pathParameter: text) == nil)
        }
    }
}
