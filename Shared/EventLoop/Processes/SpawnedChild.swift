import CSystem
import Glibc

/// A running child: its pid, its pipes, and a descriptor that says when it has ended.
final class SpawnedChild: @unchecked Sendable {
    // @unchecked: touched on `loop` only; the tasks that carry it all run there.
    let pid: Int32
    private let loop: Loop
    private let pidfd: Int32
    private let input: Socket
    private let output: Socket
    private let error: Socket
    private var exitWatch: Watch?
    private var exit: ChildExit?
    private var exitWaiters: [UnsafeContinuation<Void, Never>] = []

    /// How long pipes that a grandchild keeps open are read after the child has ended and its group was killed.
    private static let pipesGrace = Duration.seconds(2)

    init(_ command: ChildCommand, on loop: Loop) throws(SystemError) {
        self.loop = loop
        var fds: [Int32] = []
        func pipePair() throws(SystemError) -> (read: Int32, write: Int32) {
            var pair: [Int32] = [-1, -1]
            guard pipe2(&pair, O_CLOEXEC) == 0 else { throw SystemError.last("pipe2") }
            fds += pair
            return (pair[0], pair[1])
        }
        var owned: [Socket] = []
        do throws(SystemError) {
            let inPipe = try pipePair()
            let outPipe = try pipePair()
            let errPipe = try pipePair()
            pid = try SpawnedChild.spawn(command, input: inPipe.read, output: outPipe.write, error: errPipe.write)
            for end in [inPipe.read, outPipe.write, errPipe.write] {
                Glibc.close(end)
                fds.removeAll { $0 == end }
            }
            do throws(SystemError) {
                pidfd = csystem_pidfd_open(pid)
                guard pidfd >= 0 else { throw SystemError.last("pidfd_open") }
                fds.append(pidfd)
                input = try Socket(adopting: inPipe.write, on: loop)
                owned.append(input)
                output = try Socket(adopting: outPipe.read, on: loop)
                owned.append(output)
                error = try Socket(adopting: errPipe.read, on: loop)
                owned.append(error)
                exitWatch = try loop.watch(pidfd, .read, trigger: .level, handler: ExitHandler(self))
            } catch {
                kill(-pid, SIGKILL)
                var status: Int32 = 0
                while waitpid(pid, &status, 0) < 0, csystem_errno() == EINTR {}
                throw error
            }
        } catch {
            for socket in owned {
                fds.removeAll { $0 == socket.fd }
                socket.close()
            }
            for fd in fds { Glibc.close(fd) }
            throw error
        }
    }

    /// posix_spawn(3) in a new process group, with default signal handling and no descriptor but the three.
    private static func spawn(
        _ command: ChildCommand, input: Int32, output: Int32, error: Int32
    ) throws(SystemError) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, error, 2)
        if let directory = command.workingDirectory {
            csystem_spawn_chdir(&actions, directory)
        }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments: [UnsafeMutablePointer<CChar>?] = ([command.executable] + command.arguments).map { strdup($0) }
        var environment: [UnsafeMutablePointer<CChar>?] = command.environment.sorted { $0.key < $1.key }
            .map { strdup("\($0.key)=\($0.value)") }
        arguments.append(nil)
        environment.append(nil)
        defer { for pointer in arguments + environment { free(pointer) } }
        var pid: pid_t = 0
        let status = posix_spawn(&pid, command.executable, &actions, &attributes, arguments, environment)
        guard status == 0 else { throw SystemError(errno: status, call: "posix_spawn") }
        return pid
    }

    func supervise(
        input bytes: [UInt8], thenClose closes: Bool, cap: OutputCap, teardown: [TeardownStep],
        onOutput: @escaping @Sendable (ChildProcess.Stream, [UInt8]) async throws -> Void
    ) async throws -> ChildResult {
        defer { close() }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await self.feed(bytes, thenClose: closes) }
                group.addTask { try await self.pump(.output, cap: cap, onOutput) }
                group.addTask { try await self.pump(.error, cap: cap, onOutput) }
                group.addTask { try await self.waitUntilEnded() }
                do {
                    while try await group.next() != nil {}
                } catch {
                    // Take the child down first: the other readers end with its pipes.
                    await self.tearDown(teardown)
                    for socket in [self.input, self.output, self.error] { socket.abort() }
                    throw error
                }
            }
        } catch {
            await tearDown(teardown)
            throw error
        }
        guard let exit else { preconditionFailure("supervision ends after the child") }
        return ChildResult(exit: exit, outputWasCut: cap.wasCut)
    }

    private func feed(_ bytes: [UInt8], thenClose closes: Bool) async {
        var rest = bytes[...]
        // A child that closes its input early is its own business.
        while !rest.isEmpty {
            let attempt = rest.withUnsafeBytes { input.tryWrite($0) }
            switch attempt {
            case .bytes(let count): rest = rest.dropFirst(count)
            case .wouldBlock:
                do { try await input.waitWritable() } catch { return input.close() }
            case .endOfStream, .failed: return input.close()
            }
        }
        if closes { input.close() }
    }

    private func pump(
        _ stream: ChildProcess.Stream, cap: OutputCap,
        _ onOutput: @escaping @Sendable (ChildProcess.Stream, [UInt8]) async throws -> Void
    ) async throws {
        let source = stream == .output ? output : error
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16384, alignment: 1)
        defer { buffer.deallocate() }
        while true {
            let count: Int
            do { count = try await source.read(into: buffer) } catch { return }
            if count == 0 { return }
            let admitted = cap.admit(count)
            if admitted > 0 { try await onOutput(stream, Array(buffer[..<admitted])) }
            // A child that writes without end must not keep the loop from everything else.
            if MonotonicTime.now() - loop.now > Self.turn { try await loop.sleep(for: .zero) }
        }
    }

    /// How long output may be taken without a look at the loop's other descriptors and timers.
    private static let turn = Duration.milliseconds(2)

    /// Returns when the child has ended (its group was killed then); throws when the task is cancelled first.
    private func waitUntilEnded() async throws {
        await withTaskCancellationHandler {
            await exitEvent()
        } onCancel: {
            self.loop.execute { self.wakeExitWaiters() }
        }
        if exit == nil { throw CancellationError() }
        for socket in [output, error] { socket.deadline = MonotonicTime.now() + SpawnedChild.pipesGrace }
    }

    private func exitEvent() async {
        if exit != nil || Task.isCancelled { return }
        await withUnsafeContinuation { exitWaiters.append($0) }
    }

    private func wakeExitWaiters() {
        let waiters = exitWaiters
        exitWaiters = []
        for waiter in waiters { waiter.resume() }
    }

    private func tearDown(_ steps: [TeardownStep]) async {
        for case .signal(let number, let grace) in steps {
            if exit != nil { break }
            kill(-pid, number)
            let timer = loop.schedule(after: grace) { [self] in wakeExitWaiters() }
            if exit == nil { await withUnsafeContinuation { exitWaiters.append($0) } }
            loop.cancel(timer)
        }
    }

    fileprivate func childEnded() {
        // Before the child is reaped, so that its group's number cannot belong to another.
        kill(-pid, SIGKILL)
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return }
        if let exitWatch { loop.unwatch(exitWatch) }
        exitWatch = nil
        exit = csystem_wait_exited(status) != 0
            ? .exited(code: csystem_wait_code(status)) : .signalled(csystem_wait_signal(status))
        wakeExitWaiters()
    }

    private func close() {
        for socket in [input, output, error] { socket.close() }
        if let exitWatch { loop.unwatch(exitWatch) }
        exitWatch = nil
        Glibc.close(pidfd)
    }
}

private final class ExitHandler: IOHandler {
    private let child: SpawnedChild
    init(_ child: SpawnedChild) { self.child = child }
    override func ready(_ events: IOEvents) { child.childEnded() }
}
