public import Encoding
public import EventLoop
import Glibc
import Locking

/// `Tests/doubles/gate_double.py` running as a process: a delivery engine that misbehaves on demand. It dies with the test process.
///
/// What can be asked of it is written at the top of that file.
public final class GateDouble: Sendable {
    public struct Failure: Error, CustomStringConvertible {
        public let description: String

        public init(description: String) { self.description = description }
    }

    private let process: DoubleProcess

    public var address: SocketAddress { process.address }
    /// `http://127.0.0.1:PORT` or `https://…`
    public var url: String { process.url }

    private init(_ process: DoubleProcess) { self.process = process }

    /// - Parameter arguments: as `gate_double.py --help` lists them; the port is chosen.
    public static func start(_ arguments: [String] = []) async throws -> GateDouble {
        GateDouble(try await DoubleProcess.start("gate_double", arguments))
    }

    /// Ends the process.
    public func stop() async { await process.stop() }

    /// Puts a fault in force for the next request of `operation` (`start`, `read`, `search`, `*`…).
    ///
    /// - Parameter fields: what else the double's documentation lists, as JSON members: `"status": 500, "times": 3`.
    public func fault(_ operation: String, _ kind: String, _ fields: String = "") async throws {
        try await control(
            "POST", "faults", #"{"operation": "\#(operation)", "kind": "\#(kind)"\#(fields.isEmpty ? "" : ", " + fields)}"#)
    }

    public func clearFaults() async throws { try await control("DELETE", "faults") }

    /// Changes of the next execution: `[[500, "SUCCEEDED"]]`, or of all without a script of their own.
    public func script(_ steps: String, always: Bool = false) async throws {
        try await control("POST", "script", #"{"steps": \#(steps), "always": \#(always)}"#)
    }

    /// Changes one execution: `{"status": "TERMINAL", "stage": {"index": 0, "context": {…}}}`.
    public func change(_ execution: String, _ members: String) async throws {
        try await control("PATCH", "executions/\(execution)", members)
    }

    /// Adds an execution as it stands and returns its id.
    @discardableResult
    public func add(_ execution: String) async throws -> String {
        guard let id = try await control("POST", "executions", execution)["id"]?.string else {
            throw Failure(description: "an execution without an id")
        }
        return id
    }

    public func forget(_ execution: String) async throws { try await control("DELETE", "executions/\(execution)") }

    /// Adds a pipeline, or puts it in another's place: `{"application": A, "name": N, "parameters": […], "disabled": false}`.
    public func pipeline(_ members: String) async throws { try await control("PUT", "pipelines", members) }

    /// Refuses connections for a while.
    public func refuseConnections(milliseconds: Int) async throws {
        try await control("PUT", "listener", #"{"closed_ms": \#(milliseconds)}"#)
    }

    /// Lets every held request go on.
    public func release() async throws { try await control("POST", "release") }

    public func reset() async throws { try await control("POST", "reset") }

    /// Returns once `count` requests of `operation` have arrived since the start or the last reset.
    public func awaitRequests(_ operation: String, count: Int = 1) async throws {
        try await control("GET", "wait?operation=\(operation)&count=\(count)")
    }

    /// All executions, the faults in force, requests by operation, and how many executions were ever started.
    public func overview() async throws -> JSONValue { try await control("GET", "") }

    /// How many executions were ever started.
    public func startedCount() async throws -> Int { try await overview()["started"]?.int ?? -1 }

    public func executions() async throws -> [JSONValue] { try await overview()["executions"]?.array ?? [] }

    /// What arrived, oldest first: `operation`, `method`, `target`, `headers`, `body`.
    public func requests(_ operation: String) async throws -> [JSONValue] {
        try await control("GET", "requests?operation=\(operation)").array ?? []
    }

    @discardableResult
    private func control(_ method: String, _ path: String, _ body: String = "") async throws -> JSONValue {
        let response = try await TestClient.exchange(
            address, method, path.isEmpty ? "/_control" : "/_control/\(path)", body: Array(body.utf8))
        guard response.status == 200 else { throw Failure(description: "\(method) \(path): \(response.text)") }
        return try JSONReader.parse(response.body, limits: JSONLimits(bytesMax: 64 << 20))
    }
}
