import CSystem
import Glibc

/// The service manager's notification protocol, sd_notify(3). Silent when no manager asked for it.
public struct SystemdNotifier: Sendable {
    private let path: String?
    /// How often the manager wants to hear WATCHDOG=1; nil when it does not. Send at half of this.
    public let watchdogInterval: Duration?

    /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    public init(environment: [String: String]) {
        path = environment["NOTIFY_SOCKET"].flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        let isOurs = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
        if isOurs, let text = environment["WATCHDOG_USEC"], let microseconds = Int64(text), microseconds > 0 {
            watchdogInterval = .microseconds(microseconds)
        } else {
            watchdogInterval = nil
        }
    }

    public func ready(status: String) { send("READY=1\nSTATUS=\(status)") }
    public func status(_ text: String) { send("STATUS=\(text)") }
    public func stopping() { send("STOPPING=1") }
    public func watchdog() { send("WATCHDOG=1") }
    /// Announces a reload; follow it with ``ready(status:)``.
    public func reloading() { send("RELOADING=1\nMONOTONIC_USEC=\(MonotonicTime.now().nanoseconds / 1000)") }

    private func send(_ message: String) {
        guard let path else { return }
        let fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard fd >= 0 else { return }
        defer { Glibc.close(fd) }
        var address = sockaddr_un()
        var bytes = Array(path.utf8).map { CChar(bitPattern: $0) }
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        if path.hasPrefix("@") { bytes[0] = 0 }  // the abstract namespace, unix(7)
        csystem_unix_address(&address, bytes, bytes.count)
        let length = socklen_t((MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2) + bytes.count)
        let text = Array(message.utf8)
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(fd, text, text.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}

/// Listening descriptors handed over by the service manager, sd_listen_fds(3).
public enum SocketActivation {
    private static let firstDescriptor: Int32 = 3

    /// The descriptors in order, close-on-exec, with their names; empty when none were passed to this process.
    public static func inheritedDescriptors(
        environment: [String: String]
    ) -> [(fd: Int32, name: String)] {
        guard environment["LISTEN_PID"] == String(getpid()), let text = environment["LISTEN_FDS"],
            let count = Int32(text), count > 0, count < 1024
        else { return [] }
        let names = (environment["LISTEN_FDNAMES"] ?? "").split(separator: ":", omittingEmptySubsequences: false)
        return (0..<count).map { offset in
            let fd = firstDescriptor + offset
            _ = csystem_set_cloexec(fd)
            let position = Int(offset)
            return (fd, position < names.count ? String(names[position]) : "")
        }
    }
}

/// The environment of this process as a dictionary, without Foundation.
public enum ProcessEnvironment {
    public static func current() -> [String: String] {
        var result: [String: String] = [:]
        guard var entry = csystem_environ() else { return result }
        while let text = entry.pointee {
            let pair = String(cString: text)
            if let equals = pair.firstIndex(of: "=") {
                result[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
            }
            entry += 1
        }
        return result
    }
}
