import EventLoop

/// Reads a file in pieces, one piece ahead of its consumer: while one buffer is read by the loop, the pool fills the other.
final class DirectorySource: ObjectSource {
    private let reader: FileReader
    private let store: DirectoryStore
    private let deadline: MonotonicTime
    private var offset: Int64 = 0
    private var ahead: Task<Result<Int, ObjectError>, Never>?
    private var slot = 0
    private var failure: ObjectError?

    init(reader: FileReader, store: DirectoryStore, deadline: MonotonicTime) {
        self.reader = reader
        self.store = store
        self.deadline = deadline
        if reader.size > 0 { startReading() }
    }

    deinit { ahead?.cancel() }

    func next() async throws(ObjectError) -> UnsafeRawBufferPointer? {
        if let failure { throw failure }
        guard let ahead else { return nil }
        if Task.isCancelled { throw fail(.cancelled) }
        if MonotonicTime.now() > deadline { throw fail(.deadline) }
        let count: Int
        do throws(ObjectError) {
            count = try await ahead.value.get()
        } catch {
            throw fail(error)
        }
        // The length was declared when the file was opened: what was cut off since is missing, what was added does not belong.
        guard count == reader.pieceLength(at: offset) else { throw fail(.shortBody) }
        let piece = reader.piece(slot, count)
        offset += Int64(count)
        slot = 1 - slot
        self.ahead = nil
        if offset < reader.size { startReading() }
        return piece
    }

    func close() {
        ahead?.cancel()
        ahead = nil
    }

    private func fail(_ error: ObjectError) -> ObjectError {
        close()
        failure = error
        return error
    }

    /// Also the moment at which the piece handed out before becomes invalid.
    private func startReading() {
        let (reader, store, offset, slot) = (reader, store, offset, slot)
        ahead = Task(executorPreference: Loop.current) {
            do throws(ObjectError) {
                return .success(try await store.onPool { try reader.read(slot, at: offset) })
            } catch {
                return .failure(error)
            }
        }
    }
}

/// An open file and two buffers.
final class FileReader: @unchecked Sendable {
    // @unchecked: of the two buffers the pool fills one while the loop reads the other; the source changes them over only between reads.
    let size: Int64
    private let file: Descriptor
    private let memory: UnsafeMutableRawBufferPointer
    private let pieceBytes: Int

    init(file: Descriptor, size: Int64) {
        self.file = file
        self.size = size
        pieceBytes = Int(min(size, Int64(DirectoryStore.pieceBytes)))
        memory = .allocate(byteCount: max(1, pieceBytes * 2), alignment: 4096)
    }

    deinit { memory.deallocate() }

    func pieceLength(at offset: Int64) -> Int { Int(min(Int64(pieceBytes), size - offset)) }

    /// Blocks.
    func read(_ slot: Int, at offset: Int64) throws(ObjectError) -> Int {
        let room = UnsafeMutableRawBufferPointer(rebasing: memory[slot * pieceBytes..<slot * pieceBytes + pieceLength(at: offset)])
        return try file.read(into: room, at: offset)
    }

    func piece(_ slot: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: memory[slot * pieceBytes..<slot * pieceBytes + count])
    }
}
