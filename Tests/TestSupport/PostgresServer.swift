import EventLoop
import Glibc
import Locking

/// A PostgreSQL cluster of its own in a temporary directory, with a Unix socket and a loopback port. For tests that stop or kill the server.
///
/// PostgreSQL refuses to run as root: then it runs as user `postgres`. It ends with the test process.
public final class PostgresServer: Sendable {
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    private struct State {
        var pid: Int32?
    }

    public let directory: String
    public let port: UInt16
    private let programs: String
    private let settings: [String]
    private let state = Locked(State())

    /// Of the superuser, over the Unix socket.
    public var url: String { "postgres:///postgres?host=\(directory)&port=\(port)&user=postgres" }
    /// Of the superuser, over TCP.
    public var tcpURL: String { "postgres://postgres@127.0.0.1:\(port)/postgres" }
    public var pid: Int32? { state.withLock { $0.pid } }

    /// Makes a cluster and starts it.
    ///
    /// - Parameter settings: further `name=value` settings of the server.
    public static func start(settings: [String] = []) async throws -> PostgresServer {
        let server = try await TestLoops.run { try PostgresServer(settings: settings) }
        try await server.start()
        return server
    }

    private init(settings: [String]) throws {
        var template = Array("/tmp/trivet-pg-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(description: "no temporary directory") }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        port = try ServiceUnderTest.freePort()
        programs = try PostgresServer.findPrograms()
        self.settings = settings
        if getuid() == 0, let user = getpwnam("postgres") {
            chown(directory, user.pointee.pw_uid, user.pointee.pw_gid)
        }
        chmod(directory, 0o755)
        let initdb = try PostgresServer.spawn([
            "\(programs)/initdb", "-D", "\(directory)/data", "-U", "postgres", "-A", "trust", "--no-sync",
            "--encoding=UTF8", "--locale=C.UTF-8",
        ], log: "\(directory)/initdb.log", dieWith: "KILL")
        var status: Int32 = 0
        waitpid(initdb, &status, 0)
        guard status == 0 else { throw Failure(description: "initdb failed: see \(directory)/initdb.log") }
        RunningServers.add(self)
    }

    /// Starts the server again and waits until it takes connections.
    public func start() async throws {
        let arguments =
            [
                "\(programs)/postgres", "-D", "\(directory)/data", "-k", directory, "-p", "\(port)",
                "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", "-c", "logging_collector=off",
                // A killed server loses nothing by it; only a machine that loses power would.
                "-c", "fsync=off",
            ] + settings.flatMap { ["-c", $0] }
        let directory = directory
        // On a thread that never ends, or the kernel would end the server with it.
        let pid = try await TestLoops.run {
            try PostgresServer.spawn(arguments, log: "\(directory)/server.log", dieWith: "QUIT")
        }
        state.withLock { $0.pid = pid }
        let deadline = MonotonicTime.now() + .seconds(60)
        while MonotonicTime.now() < deadline {
            if isReady { return }
            var status: Int32 = 0
            if waitpid(pid, &status, WNOHANG) == pid { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Failure(description: "the server did not start: see \(directory)/server.log")
    }

    /// The last line of postmaster.pid says so.
    private var isReady: Bool {
        guard let file = fopen("\(directory)/data/postmaster.pid", "r") else { return false }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = fread(&buffer, 1, buffer.count, file)
        let lines = String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n")
        return lines.count >= 8 && lines[7].hasPrefix("ready") && lines[0] == "\(pid ?? 0)"
    }

    /// Stops the server with `number` (SIGINT: at once but in order) and waits for its end.
    public func stop(with number: Int32 = 2) {
        guard let pid = state.withLock({ state in
            defer { state.pid = nil }
            return state.pid
        }) else { return }
        let children = number == SIGKILL ? PostgresServer.children(of: pid) : []
        Glibc.kill(pid, number)
        for child in children { Glibc.kill(child, SIGKILL) }
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        // A process of the server that is still going keeps its shared memory in use, and the next start would refuse.
        for child in children { while PostgresServer.isRunning(child) { usleep(500) } }
    }

    /// Kills the server and all its processes at once, as if the machine had crashed.
    public func kill() { stop(with: SIGKILL) }

    /// Freezes all processes of the server; connections stay open and nobody answers.
    public func freeze() { signalAll(SIGSTOP) }

    public func thaw() { signalAll(SIGCONT) }

    private func signalAll(_ number: Int32) {
        guard let pid else { return }
        Glibc.kill(pid, number)
        for child in PostgresServer.children(of: pid) { Glibc.kill(child, number) }
    }

    /// Stops the server and removes its directory.
    public func remove() {
        thaw()
        stop(with: SIGQUIT)
        RunningServers.remove(self)
        removeDirectory()
    }

    fileprivate func removeDirectory() {
        guard let pid = try? PostgresServer.spawn(["/bin/rm", "-rf", directory], log: "/dev/null", dieWith: "KILL")
        else { return }
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        rmdir(directory)
    }

    // MARK: Processes

    private static func findPrograms() throws -> String {
        var directories: [String] = []
        for version in stride(from: 20, through: 15, by: -1) { directories.append("/usr/lib/postgresql/\(version)/bin") }
        if let path = getenv("PATH") {
            directories += String(cString: path).split(separator: ":").map(String.init)
        }
        for directory in directories
        where access("\(directory)/initdb", X_OK) == 0 && access("\(directory)/postgres", X_OK) == 0 {
            return directory
        }
        throw Failure(description: "PostgreSQL's server programs were not found")
    }

    private static func spawn(_ command: [String], log: String, dieWith signal: String) throws -> Int32 {
        var arguments = ["/usr/bin/setpriv", "--pdeathsig", signal]
        if getuid() == 0 {
            arguments += ["--reuid", "postgres", "--regid", "postgres", "--init-groups"]
        }
        arguments += ["--"] + command
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"]
        let argv = arguments.map { strdup($0) } + [nil]
        let envp = environment.map { strdup($0) } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var pid: Int32 = 0
        let result = posix_spawn(&pid, arguments[0], &actions, nil, argv, envp)
        guard result == 0 else { throw Failure(description: "\(command[0]) cannot be run: errno \(result)") }
        return pid
    }

    /// False for a process that has ended, whether or not somebody has taken note of it.
    private static func isRunning(_ pid: Int32) -> Bool {
        guard let state = statFields(pid)?.first else { return false }
        return state != "Z" && state != "X"
    }

    /// State, parent and so on: what stands behind the name in parentheses.
    private static func statFields(_ pid: Int32) -> [Substring]? {
        guard let file = fopen("/proc/\(pid)/stat", "r") else { return nil }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = fread(&buffer, 1, buffer.count, file)
        let text = String(decoding: buffer[..<count], as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return nil }
        return text[text.index(after: end)...].split(separator: " ")
    }

    private static func children(of parent: Int32) -> [Int32] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var found: [Int32] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let pid = Int32(name), let fields = statFields(pid) else { continue }
            if fields.count > 1, fields[1] == "\(parent)" { found.append(pid) }
        }
        return found
    }
}

/// Servers to be stopped when the test process exits.
private enum RunningServers {
    private static let servers: Locked<[PostgresServer]> = {
        atexit { RunningServers.stopAll() }
        return Locked([])
    }()

    static func add(_ server: PostgresServer) { servers.withLock { $0.append(server) } }
    static func remove(_ server: PostgresServer) { servers.withLock { $0.removeAll { $0 === server } } }

    private static func stopAll() {
        let all = servers.withLock { servers in
            defer { servers = [] }
            return servers
        }
        for server in all {
            server.thaw()
            server.stop(with: SIGQUIT)
            server.removeDirectory()
        }
    }
}
