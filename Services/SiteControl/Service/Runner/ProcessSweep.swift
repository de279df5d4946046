import Glibc

/// Finds the processes of an attempt by what they inherited: `HOME` is the attempt's scratch folder. That also finds those that
/// have left the process group, as ssh's connection masters and the forks of newer ansible-playbooks do. Every call blocks.
enum ProcessSweep {
    /// Kills until none is left; what belongs to another user cannot be killed, and is left.
    static func kill(belongingTo scratch: String) {
        // A process that is just being forked may slip through one look.
        for _ in 0..<20 {
            let found = processes(belongingTo: scratch).filter { Glibc.kill($0, SIGKILL) == 0 }
            if found.isEmpty { return }
            var pause = timespec(tv_sec: 0, tv_nsec: 5_000_000)
            nanosleep(&pause, nil)
        }
    }

    static func processes(belongingTo scratch: String) -> [pid_t] {
        let own = getpid()
        let wanted = Array("HOME=\(scratch)".utf8)
        return FileTree.names(in: "/proc").compactMap { pid_t($0) }.filter { pid in
            guard pid != own, let environment = try? PrivateFile.read("/proc/\(pid)/environ", bytesMax: 1 << 20) else {
                return false
            }
            return environment.split(separator: 0).contains { $0.elementsEqual(wanted) }
        }
    }
}
