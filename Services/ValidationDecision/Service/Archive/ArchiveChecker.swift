import Compression

/// Checks a tar.gz while it streams by: a well-formed gzip stream (RFC 1952) around a well-formed tar (POSIX.1-2017 pax, ustar, GNU).
///
/// Memory is bounded: two buffers and at most one extended header. Nothing is written anywhere.
final class ArchiveChecker {
    private let limits: ArchiveLimits
    private var tar: TarScanner
    private let inflater = GzipInflater()
    private let output: UnsafeMutableRawBufferPointer
    /// Input short of a whole block.
    private let input: UnsafeMutableRawBufferPointer
    private var gathered = 0
    private var bytesIn = 0
    private var bytesOut = 0
    private var memberIsOpen = false

    private static let inputBytes = 65536
    private static let outputBytes = 65536

    init(limits: ArchiveLimits = ArchiveLimits()) {
        self.limits = limits
        tar = TarScanner(limits: limits)
        input = .allocate(byteCount: ArchiveChecker.inputBytes, alignment: 1)
        output = .allocate(byteCount: ArchiveChecker.outputBytes, alignment: 1)
    }

    deinit {
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
        guard bytesIn > 0, !memberIsOpen else { throw .truncatedGzip }
        try tar.finish()
    }

    private func inflateGathered() throws(ArchiveProblem) {
        let block = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(input)[..<gathered])
        gathered = 0
        try inflateBlock(block)
    }

    private func inflateBlock(_ piece: UnsafeRawBufferPointer) throws(ArchiveProblem) {
        bytesIn += piece.count
        var rest = piece
        var isFull = false
        repeat {
            if !memberIsOpen {
                // A gzip file may be several members, one after the other (RFC 1952 §2.2).
                if case .broken(let cause) = inflater.restart() { throw .notGzip(cause) }
                memberIsOpen = true
            }
            let step = inflater.step(rest, into: output)
            switch step.state {
            case .open: break
            case .ended: memberIsOpen = false
            case .broken(let cause): throw .notGzip(cause)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[step.consumed...])
            isFull = step.produced == output.count
            bytesOut += step.produced
            try tar.feed(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output)[..<step.produced]))
        } while !rest.isEmpty || (memberIsOpen && isFull)
        if bytesOut > limits.expansionAllowance, bytesOut / limits.expansionRatioMax > bytesIn {
            throw .expandsTooFar(ratio: limits.expansionRatioMax)
        }
    }
}
