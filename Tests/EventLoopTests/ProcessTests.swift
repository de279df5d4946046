import EventLoop
import Glibc
import Locking
import Synchronization
import Testing

private final class Output: Sendable {
    let state = Locked((out: [UInt8](), err: [UInt8]()))
    func add(_ stream: ChildProcess.Stream, _ bytes: [UInt8]) {
        state.withLock { if stream == .output { $0.out += bytes } else { $0.err += bytes } }
    }
    var out: String { state.withLock { String(decoding: $0.out, as: UTF8.self) } }
    var err: String { state.withLock { String(decoding: $0.err, as: UTF8.self) } }
    var count: Int { state.withLock { $0.out.count + $0.err.count } }
}

private final class Pids: Sendable {
    private let list = Locked<[Int32]>([])
    func add(_ pid: Int32) { list.withLock { $0.append(pid) } }
    var first: Int32? { list.withLock { $0.first } }
}

private func shell(_ script: String, environment: [String: String] = [:], input: [UInt8] = []) -> ChildCommand {
    ChildCommand("/bin/sh", ["-c", script], environment: environment, input: input)
}

@Suite struct ChildProcessTests {
    @Test("output, error output, exit code, input, environment and directory reach their places")
    func plumbing() async throws {
        let output = Output()
        var command = shell(
            "cat; echo \"$WHO in $(pwd)\"; echo oops >&2; exit 3", environment: ["WHO": "child", "PATH": "/bin:/usr/bin"],
            input: Array("fed\n".utf8))
        command.workingDirectory = "/usr"
        let result = try await onLoop { [command] in
            try await ChildProcess.run(command, outputBytesMax: 1000) { output.add($0, $1) }
        }
        #expect(result == ChildResult(exit: .exited(code: 3), outputWasCut: false))
        #expect(output.out == "fed\nchild in /usr\n")
        #expect(output.err == "oops\n")
    }

    @Test("input that is kept open ends with the child and not before")
    func openInput() async throws {
        // read(1) answers 1 at the end of its input, and timeout(1) 124 where that does not come.
        for (keepsOpen, code) in [(false, Int32(1)), (true, 124)] {
            var command = shell(
                "read -r line; exec timeout 0.2 sh -c 'read -r line'", environment: ["PATH": "/bin:/usr/bin"],
                input: Array("fed\n".utf8))
            command.keepsInputOpen = keepsOpen
            let result = try await onLoop { [command] in
                try await ChildProcess.run(command, outputBytesMax: 1000) { _, _ in }
            }
            #expect(result.exit == .exited(code: code))
        }
    }

    @Test("a program that does not exist is an error, and no descriptor stays behind")
    func missingProgram() async throws {
        let before = openDescriptors()
        // Enough of them that a leak stands out from what other tests open meanwhile.
        for _ in 0..<500 {
            await #expect(throws: SystemError(errno: ENOENT, call: "posix_spawn")) {
                try await onLoop {
                    _ = try await ChildProcess.run(ChildCommand("/no/such/program"), outputBytesMax: 10) { _, _ in }
                }
            }
        }
        #expect(openDescriptors() < before + 1500)
    }

    @Test("a child that writes faster than it is listened to leaves the loop its other work", .timeLimit(.minutes(1)))
    func endlessOutput() async throws {
        try await onLoop {
            guard let loop = Loop.current else { return }
            let child = Task(executorPreference: loop) {
                try await ChildProcess.run(shell("exec cat /dev/zero"), outputBytesMax: .max) { _, _ in
                    let end = MonotonicTime.now() + .milliseconds(1)
                    while MonotonicTime.now() < end {}
                }
            }
            // Each needs the loop to look at its timers.
            for _ in 0..<20 { try await loop.sleep(for: .milliseconds(1)) }
            child.cancel()
            await #expect(throws: CancellationError.self) { try await child.value }
        }
    }

    @Test("output beyond the cap is taken and dropped")
    func cap() async throws {
        let output = Output()
        let result = try await onLoop {
            try await ChildProcess.run(
                shell("head -c 3000000 /dev/zero", environment: ["PATH": "/bin:/usr/bin"]), outputBytesMax: 1000
            ) { output.add($0, $1) }
        }
        #expect(result == ChildResult(exit: .exited(code: 0), outputWasCut: true))
        #expect(output.count == 1000)
    }

    @Test("cancellation ends the whole group, a child that ignores TERM included")
    func teardown() async throws {
        let output = Output()
        let pids = Pids()
        let (ready, signalReady) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            try await onLoop {
                try await ChildProcess.run(
                    shell("trap '' TERM; sleep 1000 & echo $!; wait; sleep 1000", environment: ["PATH": "/bin:/usr/bin"]),
                    outputBytesMax: 1000,
                    teardown: [.signal(SIGTERM, grace: .milliseconds(20)), .signal(SIGKILL, grace: .seconds(60))],
                    onStart: { pids.add($0) }
                ) { stream, bytes in
                    output.add(stream, bytes)
                    signalReady.yield()
                }
            }
        }
        var iterator = ready.makeAsyncIterator()
        await iterator.next()
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        let pid = try #require(pids.first)
        #expect(kill(pid, 0) != 0)
        let grandchild = try #require(Int32(output.out.split(separator: "\n").first.map(String.init) ?? ""))
        // Killed, and at most waiting to be reaped by init.
        #expect(kill(grandchild, 0) != 0 || isZombie(grandchild))
    }

    @Test("a grandchild that keeps the pipe open does not keep the call open")
    func inheritedPipe() async throws {
        let result = try await onLoop {
            try await ChildProcess.run(
                shell("sleep 1000 & exit 0", environment: ["PATH": "/bin:/usr/bin"]), outputBytesMax: 10
            ) { _, _ in }
        }
        #expect(result.exit == .exited(code: 0))
    }

    @Test("a child killed by a signal says which")
    func signalled() async throws {
        let result = try await onLoop {
            try await ChildProcess.run(shell("kill -SEGV $$"), outputBytesMax: 10) { _, _ in }
        }
        #expect(result.exit == .signalled(SIGSEGV))
    }

    private func openDescriptors() -> Int {
        guard let directory = opendir("/proc/self/fd") else { return -1 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return count
    }

    private func isZombie(_ pid: Int32) -> Bool {
        guard let file = fopen("/proc/\(pid)/stat", "r") else { return true }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 512)
        guard fgets(&line, 512, file) != nil else { return true }
        return String(decoding: line.map { UInt8(bitPattern: $0) }, as: UTF8.self).contains(") Z ")
    }
}

@Suite struct BlockingPoolTests {
    @Test("results and errors come back, many at once over few threads")
    func results() async throws {
        let pool = BlockingPool(threads: 3, queueLimit: 1000)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for value in 0..<500 { group.addTask { try await pool.run { value } } }
            return try await group.reduce(0, +)
        }
        #expect(sum == 124_750)
        await #expect(throws: SystemError.self) {
            try await pool.run { () throws -> Int in throw SystemError(errno: 5, call: "read") }
        }
    }

    @Test("a full queue refuses at once, and queued work of a cancelled task is skipped")
    func limits() async throws {
        let pool = BlockingPool(threads: 1, queueLimit: 1)
        let gate = Gate()
        let ran = Counter()
        let started = Gate()
        let busy = Task {
            try await pool.run {
                started.open()
                gate.wait()
            }
        }
        await Task.detached { started.wait() }.value
        let queued = Task { try await pool.run { ran.add() } }
        while pool.queueDepth < 1 { await Task.yield() }
        await #expect(throws: BlockingPool.QueueFull(limit: 1)) { try await pool.run {} }
        queued.cancel()
        gate.open()
        try await busy.value
        await #expect(throws: CancellationError.self) { _ = try await queued.value }
        #expect(ran.value == 0)
    }
}

/// Blocks a thread until opened.
private final class Gate: @unchecked Sendable {
    // @unchecked: a semaphore is made for several threads.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    init() { sem_init(semaphore, 0, 0) }
    deinit { semaphore.deallocate() }
    func open() { sem_post(semaphore) }
    func wait() { while sem_wait(semaphore) != 0 {} }
}

@Suite(.serialized) struct SystemTests {
    @Test("signals arrive on the loop in order")
    func signals() async throws {
        let seen = try await onLoop {
            let loop = try #require(Loop.current)
            let log = Log()
            var continuation: UnsafeContinuation<Void, Never>?
            let watcher = try SignalWatcher([SIGUSR1, SIGUSR2], on: loop) { number in
                log.add(Int(number))
                if log.values.count == 2 { continuation?.resume() }
            }
            kill(getpid(), SIGUSR1)
            kill(getpid(), SIGUSR2)
            if log.values.count < 2 { await withUnsafeContinuation { continuation = $0 } }
            watcher.stop()
            return log.values
        }
        #expect(seen.sorted() == [Int(SIGUSR1), Int(SIGUSR2)].sorted())
    }

    @Test("the service manager hears what it should, on a path and in the abstract namespace", arguments: [false, true])
    func notify(abstract: Bool) throws {
        let name = "/tmp/trivet-notify-\(getpid())"
        let fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer {
            close(fd)
            unlink(name)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if abstract { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(2 + bytes.count)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(fd, $0, length) }
        }
        #expect(bound == 0)
        let notifier = SystemdNotifier(environment: [
            "NOTIFY_SOCKET": abstract ? "@" + name.dropFirst() : name, "WATCHDOG_USEC": "3000000",
            "WATCHDOG_PID": "\(getpid())",
        ])
        #expect(notifier.watchdogInterval == .seconds(3))
        notifier.ready(status: "listening")
        var buffer = [UInt8](repeating: 0, count: 200)
        let count = recv(fd, &buffer, 200, 0)
        #expect(String(decoding: buffer[..<max(0, count)], as: UTF8.self) == "READY=1\nSTATUS=listening")
    }

    @Test("a watchdog meant for another process is not ours, and descriptors for another are not taken")
    func otherProcess() {
        #expect(SystemdNotifier(environment: ["WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"]).watchdogInterval == nil)
        #expect(SocketActivation.inheritedDescriptors(environment: ["LISTEN_PID": "1", "LISTEN_FDS": "1"]).isEmpty)
        #expect(SocketActivation.inheritedDescriptors(environment: [:]).isEmpty)
    }
}
