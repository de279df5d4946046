import Crypto
import Encoding
import Glibc

/// The private folder of one attempt: inventory, variables, key, result, and everything that ansible-playbook writes for
/// itself. Mode 0700, locked by this process as long as it lives, removed at the end of the attempt. Every call blocks.
final class ScratchFolder: Sendable {
    let path: String
    private let lock: Int32

    /// Goes last: a folder whose removal is cut short is still found to be a leftover.
    private static let lockName = "lock"

    var inventory: String { path + "/inventory.ini" }
    var variables: String { path + "/variables.json" }
    var key: String { path + "/ssh_key" }
    var result: String { path + "/result.json" }
    var events: String { path + "/events" }
    var temporary: String { path + "/tmp" }

    /// Makes a folder below `root`. Short names: ssh puts sockets below it, and their paths have a limit of 108 bytes.
    init(below root: String) throws(PrivateFile.Failure) {
        try PrivateFile.makeDirectory(root)
        try Self.checkRoot(root)
        while true {
            let candidate = "\(root)/a-" + Hex.encode(SecureRandom.bytes(6))
            guard mkdir(candidate, 0o700) == 0 else {
                if errno == EEXIST { continue }
                throw PrivateFile.Failure("mkdir", candidate)
            }
            let descriptor = open(candidate + "/" + Self.lockName, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw PrivateFile.Failure("open", candidate) }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                // Somebody took it for a leftover in this very moment.
                close(descriptor)
                continue
            }
            path = candidate
            lock = descriptor
            break
        }
        for directory in [temporary] where mkdir(directory, 0o700) != 0 { throw PrivateFile.Failure("mkdir", directory) }
        guard mkfifo(events, 0o600) == 0 else { throw PrivateFile.Failure("mkfifo", events) }
    }

    /// The name below /tmp can be guessed: a root that somebody else has made, or may write to, is not used.
    private static func checkRoot(_ root: String) throws(PrivateFile.Failure) {
        var status = stat()
        guard lstat(root, &status) == 0 else { throw PrivateFile.Failure("lstat", root) }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw PrivateFile.Failure("lstat", root, errno: EPERM)
        }
    }

    /// A new file of mode 0600.
    func write(_ path: String, _ bytes: [UInt8]) throws(PrivateFile.Failure) {
        guard try PrivateFile.create(path, bytes) else { throw PrivateFile.Failure("link", path, errno: EEXIST) }
    }

    /// Ends every process of the attempt that is left, and removes the folder.
    func remove() {
        ProcessSweep.kill(belongingTo: path)
        FileTree.remove(path, last: Self.lockName)
        close(lock)
    }

    /// Ends and removes what workers left that were killed. Folders of live processes are locked, and stay.
    ///
    /// - Returns: folders removed.
    static func removeLeftovers(below root: String) -> Int {
        guard (try? checkRoot(root)) != nil else { return 0 }
        var removed = 0
        for name in FileTree.names(in: root) where name.hasPrefix("a-") {
            let path = "\(root)/\(name)"
            let descriptor = open(path + "/" + lockName, O_RDWR | O_CLOEXEC)
            if descriptor < 0 {
                // Being made just now, or its maker died before it was locked.
                guard FileTree.age(path) ?? .zero > RunnerLimits.unlockedScratchAge else { continue }
            } else if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
                close(descriptor)
                continue
            }
            ProcessSweep.kill(belongingTo: path)
            FileTree.remove(path, last: Self.lockName)
            if descriptor >= 0 { close(descriptor) }
            removed += 1
        }
        return removed
    }
}
