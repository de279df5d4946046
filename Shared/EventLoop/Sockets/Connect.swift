import CSystem
import Glibc

extension Socket {
    /// Connects to an address. Loop only.
    ///
    /// - Throws: `.timedOut` when `deadline` passes first. The returned socket has no deadline.
    public static func connect(
        to address: SocketAddress, on loop: Loop, deadline: MonotonicTime? = nil
    ) async throws(SocketError) -> Socket {
        let fd = Glibc.socket(
            address.family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard fd >= 0 else { throw .failed(SystemError.last("socket")) }
        let status = address.withSockaddr { Glibc.connect(fd, $0, $1) }
        let code = csystem_errno()
        let isPending = status != 0 && (code == EINPROGRESS || code == EINTR)
        guard status == 0 || isPending else {
            Glibc.close(fd)
            throw .failed(SystemError(errno: code, call: "connect"))
        }
        let socket: Socket
        do {
            socket = try Socket(adopting: fd, on: loop)
        } catch {
            Glibc.close(fd)
            throw .failed(error)
        }
        do throws(SocketError) {
            if isPending {
                socket.deadline = deadline
                socket.noteNotWritable()
                try await socket.waitWritable()
                socket.deadline = nil
            }
            var failure: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length)
            if failure != 0 { throw .failed(SystemError(errno: failure, call: "connect")) }
            _ = csystem_setsockopt_on(fd, Int32(IPPROTO_TCP), TCP_NODELAY)
            return socket
        } catch {
            socket.close()
            throw error
        }
    }
}
