import CZlib

/// Checks a tar.gz while it streams by: a well-formed gzip stream (RFC 1952) around a well-formed tar (POSIX.1-2017 pax, ustar, GNU).
///
/// Memory is bounded: two buffers and at most one extended header. Nothing is written anywhere.
final class ArchiveChecker {
    private let limits: ArchiveLimits
    private var tar: TarScanner
    private var stream = z_stream()
    private let output: UnsafeMutableBufferPointer<UInt8>
    /// Input short of a whole block.
    private let input: UnsafeMutableRawBufferPointer
    private var gathered = 0
    private var bytesIn = 0
    private var bytesOut = 0
    private var memberIsOpen = false
    private var isInitialised = false

    private static let inputBytes = 65536
    private static let outputBytes = 65536
    /// Window of 32 KiB; 16 selects gzip framing (zlib.h, inflateInit2).
    private static let gzipWindowBits: Int32 = 15 + 16

    init(limits: ArchiveLimits = ArchiveLimits()) {
        self.limits = limits
        tar = TarScanner(limits: limits)
        input = .allocate(byteCount: ArchiveChecker.inputBytes, alignment: 1)
        output = .allocate(capacity: ArchiveChecker.outputBytes)
    }

    deinit {
        if isInitialised { inflateEnd(&stream) }
        input.deallocate()
        output.deallocate()
    }

    /// Takes the next piece of the archive, however it is cut.
    ///
    /// Judged in blocks of fixed size, so that the expansion limit gives the same answer for the same bytes.
    func feed(_ bytes: UnsafeRawBufferPointer) throws(ArchiveProblem) {
        var rest = bytes
        while !rest.isEmpty {
            if gathered == 0, rest.count >= ArchiveChecker.inputBytes {
                try inflateBlock(UnsafeRawBufferPointer(rebasing: rest[..<ArchiveChecker.inputBytes]))
                rest = UnsafeRawBufferPointer(rebasing: rest[ArchiveChecker.inputBytes...])
                continue
            }
            let taken = min(ArchiveChecker.inputBytes - gathered, rest.count)
            UnsafeMutableRawBufferPointer(rebasing: input[gathered...]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: rest[..<taken]))
            gathered += taken
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
            if gathered == ArchiveChecker.inputBytes { try inflateGathered() }
        }
    }

    /// To be called after the last piece.
    func finish() throws(ArchiveProblem) {
        if gathered > 0 { try inflateGathered() }
        guard isInitialised, !memberIsOpen else { throw .truncatedGzip }
        try tar.finish()
    }

    private func inflateGathered() throws(ArchiveProblem) {
        let block = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(input)[..<gathered])
        gathered = 0
        try inflateBlock(block)
    }

    private func inflateBlock(_ piece: UnsafeRawBufferPointer) throws(ArchiveProblem) {
        if !isInitialised {
            guard inflateInit2_(&stream, ArchiveChecker.gzipWindowBits, ZLIB_VERSION, zStreamSize) == Z_OK else {
                throw .notGzip("zlib could not start")
            }
            isInitialised = true
        }
        bytesIn += piece.count
        // zlib only reads through next_in, whatever its type says.
        stream.next_in = UnsafeMutablePointer(mutating: piece.assumingMemoryBound(to: UInt8.self).baseAddress)
        stream.avail_in = UInt32(piece.count)
        defer { stream.next_in = nil }
        repeat {
            if !memberIsOpen {
                // A gzip file may be several members, one after the other (RFC 1952 §2.2).
                guard inflateReset(&stream) == Z_OK else { throw .notGzip("zlib could not go on") }
                memberIsOpen = true
            }
            stream.next_out = output.baseAddress
            stream.avail_out = UInt32(output.count)
            let status = inflate(&stream, Z_NO_FLUSH)
            switch status {
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END: memberIsOpen = false
            default: throw .notGzip(stream.msg.map { String(cString: $0) } ?? "status \(status)")
            }
            let produced = output.count - Int(stream.avail_out)
            bytesOut += produced
            try tar.feed(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output)[..<produced]))
        } while stream.avail_in > 0 || (memberIsOpen && stream.avail_out == 0)
        if bytesOut > limits.expansionAllowance, bytesOut / limits.expansionRatioMax > bytesIn {
            throw .expandsTooFar(ratio: limits.expansionRatioMax)
        }
    }

    private var zStreamSize: Int32 { Int32(MemoryLayout<z_stream>.size) }
}
