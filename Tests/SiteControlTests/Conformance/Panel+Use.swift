import Encoding
import EventLoop
import Foundation
import Postgres
import TestSupport
import Testing

/// Who sends a request, and how it says so.
enum Caller: Sendable {
    case nobody
    /// The administrator's cookie.
    case administrator
    /// The same session as a bearer token.
    case sessionBearer
    case automation
    case reader
    case cookie(String)
    case bearer(String)
}

/// A response as these tests look at it.
struct Answer: Sendable {
    let response: TestResponse
    /// null where the body is no JSON.
    let json: JSONValue

    init(_ response: TestResponse) {
        self.response = response
        json = (try? JSONReader.parse(response.body, limits: JSONLimits(bytesMax: 64 << 20))) ?? .null
    }

    var status: Int { response.status }
    var text: String { response.text }
    var code: String? { json["code"]?.string }
    var reason: String? { json["details"]?["reason"]?.string }
    func field(_ name: String) -> String? { response.field(name) }

    /// Fields of `details.problems`, without the pointer's slash.
    var problemFields: [String] {
        (json["details"]?["problems"]?.array ?? []).map { problem in
            let field = problem["field"]?.string ?? problem["pointer"]?.string ?? "?"
            return field.hasPrefix("/") ? String(field.dropFirst()) : field
        }
    }

    /// An error with exactly the envelope's members.
    func expectError(
        _ status: Int, _ code: String, _ reason: String? = nil, _ comment: String = "",
        _ location: SourceLocation = #_sourceLocation
    ) {
        let about = Comment(rawValue: "\(comment): \(self.status) \(text)")
        #expect(self.status == status, about, sourceLocation: location)
        #expect(self.code == code, about, sourceLocation: location)
        if let reason { #expect(self.reason == reason, about, sourceLocation: location) }
        #expect(field("content-type")?.hasPrefix("application/json") == true, about, sourceLocation: location)
        let keys = Set(json.object?.keys ?? [])
        #expect(keys == ["code", "message"] || keys == ["code", "message", "details"], about, sourceLocation: location)
        #expect(json["message"]?.string?.isEmpty == false, about, sourceLocation: location)
        if let details = json["details"] { #expect(details.object != nil, about, sourceLocation: location) }
        #expect(field("x-request-id") != nil, about, sourceLocation: location)
    }
}

extension Panel {
    /// One exchange on a connection of its own.
    func send(
        _ method: String, _ target: String, as caller: Caller = .administrator, _ body: String? = nil,
        fields: [String: String] = [:], to instance: ServiceUnderTest? = nil
    ) async throws -> Answer {
        try await send(method, target, as: caller, bytes: body.map { Array($0.utf8) }, fields: fields, to: instance)
    }

    func send(
        _ method: String, _ target: String, as caller: Caller = .administrator, bytes: [UInt8]?,
        fields: [String: String] = [:], to instance: ServiceUnderTest? = nil
    ) async throws -> Answer {
        var all = fields
        switch caller {
        case .nobody: break
        case .administrator: all["Cookie"] = all["Cookie"] ?? "session_token=\(session)"
        case .cookie(let token): all["Cookie"] = "session_token=\(token)"
        case .sessionBearer: all["Authorization"] = "Bearer \(session)"
        case .automation: all["Authorization"] = "Bearer \(automation)"
        case .reader: all["Authorization"] = "Bearer \(reader)"
        case .bearer(let token): all["Authorization"] = "Bearer \(token)"
        }
        if bytes != nil, all["Content-Type"] == nil { all["Content-Type"] = "application/json" }
        if all["Content-Type"] == "" { all["Content-Type"] = nil }
        let response = try await TestClient.exchange(
            (instance ?? process).address, method, target, fields: all, body: bytes ?? [])
        // Whatever a test asks for, the answer is one that the contract declares.
        let problems = try SiteContract.shared.get().problems(of: response, to: method, target)
        #expect(problems.isEmpty, "\(method) \(target) \(response.status): \(response.text.prefix(500))")
        return Answer(response)
    }

    func get(_ target: String, as caller: Caller = .administrator) async throws -> JSONValue {
        let answer = try await send("GET", target, as: caller)
        try #require(answer.status == 200, "GET \(target): \(answer.status) \(answer.text)")
        return answer.json
    }

    /// Sends what must be accepted and returns the job's id.
    @discardableResult
    func accept(
        _ method: String, _ target: String, _ body: String? = nil, as caller: Caller = .administrator,
        _ location: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let answer = try await send(method, target, as: caller, body)
        try #require(answer.status == 202, "\(method) \(target): \(answer.status) \(answer.text)", sourceLocation: location)
        #expect(answer.json.object?.keys == ["job_id"], sourceLocation: location)
        return try #require(answer.json["job_id"]?.string, sourceLocation: location)
    }

    func logIn(_ email: String = Panel.email, _ password: String = Panel.password) async throws -> String {
        let answer = try await send("POST", "/api/login", as: .nobody, #"{"email":"\#(email)","password":"\#(password)"}"#)
        return try #require(answer.json["session_token"]?.string, "\(answer.status) \(answer.text)")
    }

    // MARK: The database

    func rows(_ query: String) async throws -> [JSONValue] {
        let texts: [String] = try await database.query(SQL(text: "SELECT to_jsonb(q)::text FROM (\(query)) q"))
        return try texts.map { try JSONReader.parse(Array($0.utf8), limits: JSONLimits(bytesMax: 64 << 20)) }
    }

    func row(_ query: String, _ location: SourceLocation = #_sourceLocation) async throws -> JSONValue {
        let found = try await rows(query)
        try #require(found.count == 1, "\(found.count) rows: \(query)", sourceLocation: location)
        return found[0]
    }

    func count(_ rest: String) async throws -> Int {
        try await database.one(SQL(text: "SELECT count(*)::bigint FROM \(rest)"))
    }

    func execute(_ statements: String...) async throws {
        _ = try await database.group(statements.map { Command(text: $0) })
    }

    // MARK: Waiting

    /// Asks until there is an answer.
    func eventually<T>(within limit: Duration = .seconds(60), _ ask: () async throws -> T?) async throws -> T {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if let answer = try await ask() { return answer }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw NeverCame()
    }

    struct NeverCame: Error {}

    /// Waits until a job is final and returns it as the API shows it.
    func ended(_ job: String, within limit: Duration = .seconds(60)) async throws -> JSONValue {
        try await eventually(within: limit) {
            let shown = try await get("/api/jobs/\(job)")
            let isFinal = ["succeeded", "failed", "cancelled"].contains(shown["status"]?.string ?? "")
            return isFinal ? shown : Optional<JSONValue>.none
        }
    }
}
