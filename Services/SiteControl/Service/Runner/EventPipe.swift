import Encoding
import EventLoop
import Glibc

/// The reading end of the callback plugin's FIFO. On one loop.
final class EventPipe: @unchecked Sendable {
    // @unchecked: made, read and closed on one loop; the tasks that carry it all run there.
    private let socket: Socket
    private var pending: [UInt8] = []
    /// The line at hand is longer than the limit and is dropped up to its end.
    private var skips = false

    /// Opened for writing too, so that no end of file comes between two writers.
    init(_ path: String, on loop: Loop) throws {
        let descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError(errno: errno, call: "open") }
        do {
            socket = try Socket(adopting: descriptor, on: loop)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    /// Hands on events until ``finish()``.
    func pump(_ take: (JSONObject) async -> Void) async {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 1)
        defer { buffer.deallocate() }
        while let count = try? await socket.read(into: buffer), count > 0 {
            for event in events(in: buffer[..<count]) { await take(event) }
        }
    }

    /// Ends the pump: the writer is gone.
    func finish() { socket.abort() }

    /// What was written and not yet read when the pump ended.
    func drain(_ take: (JSONObject) async -> Void) async {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(socket.fd, &buffer, buffer.count)
            guard count > 0 else { return }
            let found = buffer.withUnsafeBytes { events(in: $0[..<count]) }
            for event in found { await take(event) }
        }
    }

    func close() { socket.close() }

    private func events(in bytes: Slice<UnsafeRawBufferPointer>) -> [JSONObject] {
        var events: [JSONObject] = []
        for byte in bytes {
            if byte != 0x0A {
                if pending.count < RunnerLimits.eventBytesMax { pending.append(byte) } else { skips = true }
                continue
            }
            if !skips, let event = try? JSONReader.parse(pending).object { events.append(event) }
            pending.removeAll(keepingCapacity: true)
            skips = false
        }
        return events
    }

    private func events(in bytes: Slice<UnsafeMutableRawBufferPointer>) -> [JSONObject] {
        events(in: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes.base)[bytes.startIndex..<bytes.endIndex])[...])
    }
}
