import CSystem
import Glibc

/// Where a socket listens or who speaks at its other end.
public enum SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// Four bytes of address, network order, and a port.
    case ipv4(UInt32, port: UInt16)
    /// Sixteen bytes of address in two halves, network order each, and a port.
    case ipv6(high: UInt64, low: UInt64, port: UInt16)
    /// A path in the file system; empty for an unnamed peer.
    case unix(path: String)

    public enum ParseError: Error, Hashable {
        /// Not `IPv4:PORT`, `[IPv6]:PORT` or `unix:/PATH`. Names are not looked up.
        case malformed(String)
        /// Longer than the 107 bytes that `sockaddr_un` holds.
        case pathTooLong(String)
    }

    /// Reads `127.0.0.1:8081`, `[::1]:8081`, `:8081` (all IPv4 addresses), `localhost:8081` (127.0.0.1) or `unix:/path`.
    public init(parsing text: String) throws(ParseError) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard path.hasPrefix("/"), !path.utf8.contains(0) else { throw .malformed(text) }
            guard path.utf8.count <= 107 else { throw .pathTooLong(text) }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":") else { throw .malformed(text) }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits) else {
            throw .malformed(text)
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            var address = in6_addr()
            guard inet_pton(AF_INET6, host, &address) == 1 else { throw .malformed(text) }
            self = SocketAddress.ipv6(address, port: port)
            return
        }
        if host.isEmpty { host = "0.0.0.0" }
        if host == "localhost" { host = "127.0.0.1" }
        var address = in_addr()
        guard inet_pton(AF_INET, host, &address) == 1 else { throw .malformed(text) }
        self = .ipv4(address.s_addr, port: port)
    }

    /// Whether only this machine can reach it.
    public var isLoopback: Bool {
        switch self {
        case .ipv4(let address, _): UInt32(bigEndian: address) >> 24 == 127
        case .ipv6(let high, let low, _):
            (high == 0 && UInt64(bigEndian: low) == 1)
                || (high == 0 && UInt64(bigEndian: low) >> 24 == 0xffff_7f)
        case .unix: true
        }
    }

    /// nil for a unix socket.
    public var port: UInt16? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, _, let port): port
        case .unix: nil
        }
    }

    /// The address without its port; `unix` for a unix socket.
    public var host: String {
        switch self {
        case .ipv4(let address, _):
            let bytes = UInt32(bigEndian: address)
            return "\(bytes >> 24).\(bytes >> 16 & 255).\(bytes >> 8 & 255).\(bytes & 255)"
        case .ipv6(let high, let low, _):
            var address = in6_addr()
            withUnsafeMutableBytes(of: &address) {
                $0.storeBytes(of: high, toByteOffset: 0, as: UInt64.self)
                $0.storeBytes(of: low, toByteOffset: 8, as: UInt64.self)
            }
            var text = [CChar](repeating: 0, count: 64)
            guard let result = inet_ntop(AF_INET6, &address, &text, 64) else { return "?" }
            return String(cString: result)
        case .unix: return "unix"
        }
    }

    public var description: String {
        switch self {
        case .ipv4(_, let port): "\(host):\(port)"
        case .ipv6(_, _, let port): "[\(host)]:\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    private static func ipv6(_ address: in6_addr, port: UInt16) -> SocketAddress {
        withUnsafeBytes(of: address) {
            .ipv6(
                high: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                low: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self), port: port)
        }
    }
}

extension SocketAddress {
    var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Hands the address to a C call.
    func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var storage = sockaddr_storage()
        var length = 0
        withUnsafeMutableBytes(of: &storage) { raw in
            switch self {
            case .ipv4(let address, let port):
                var value = sockaddr_in()
                value.sin_family = sa_family_t(AF_INET)
                value.sin_port = port.bigEndian
                value.sin_addr.s_addr = address
                length = MemoryLayout<sockaddr_in>.size
                withUnsafeBytes(of: &value) { raw.copyMemory(from: $0) }
            case .ipv6(let high, let low, let port):
                var value = sockaddr_in6()
                value.sin6_family = sa_family_t(AF_INET6)
                value.sin6_port = port.bigEndian
                withUnsafeMutableBytes(of: &value.sin6_addr) {
                    $0.storeBytes(of: high, toByteOffset: 0, as: UInt64.self)
                    $0.storeBytes(of: low, toByteOffset: 8, as: UInt64.self)
                }
                length = MemoryLayout<sockaddr_in6>.size
                withUnsafeBytes(of: &value) { raw.copyMemory(from: $0) }
            case .unix(let path):
                var value = sockaddr_un()
                let bytes = Array(path.utf8).map { CChar(bitPattern: $0) }
                csystem_unix_address(&value, bytes, bytes.count)
                length = MemoryLayout<sockaddr_un>.size
                withUnsafeBytes(of: &value) { raw.copyMemory(from: $0) }
            }
        }
        return withUnsafePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }

    private static func reading(
        _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &length) }
        }
        guard status == 0 else { return nil }
        let family = Int32(storage.ss_family)
        return withUnsafeBytes(of: &storage) { raw in
            switch family {
            case AF_INET:
                let value = raw.loadUnaligned(as: sockaddr_in.self)
                return .ipv4(value.sin_addr.s_addr, port: UInt16(bigEndian: value.sin_port))
            case AF_INET6:
                let value = raw.loadUnaligned(as: sockaddr_in6.self)
                return .ipv6(value.sin6_addr, port: UInt16(bigEndian: value.sin6_port))
            case AF_UNIX:
                let start = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
                guard Int(length) > start, length <= MemoryLayout<sockaddr_un>.size else { return .unix(path: "") }
                let bytes = raw[start..<Int(length)].prefix { $0 != 0 }
                return .unix(path: String(decoding: bytes, as: UTF8.self))
            default: return nil
            }
        }
    }

    /// The other end of a connected descriptor.
    public static func peer(of fd: Int32) -> SocketAddress? { reading { getpeername(fd, $0, $1) } }

    /// The local end of a descriptor: the port that was chosen for port 0.
    public static func local(of fd: Int32) -> SocketAddress? { reading { getsockname(fd, $0, $1) } }
}
