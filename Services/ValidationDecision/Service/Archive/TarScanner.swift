/// Walks the blocks of a tar archive without keeping them (POSIX.1-2017, pax interchange format; GNU extensions).
struct TarScanner {
    private enum State {
        case header
        /// Bytes of data and padding to skip.
        case data(left: Int)
        /// Bytes of an extended header to keep, then padding to skip.
        case extended(left: Int, padding: Int)
        /// More sparse-map blocks follow (GNU).
        case sparseMap(size: Int)
        case zeroBlockSeen
        case ended
    }

    private static let blockBytes = 512
    /// Bytes of one entry; far beyond any archive, and far from overflow.
    private static let sizeMax = 1 << 60

    private let limits: ArchiveLimits
    private var state = State.header
    private var block: [UInt8] = []
    private var offset = 0
    private var entries = 0
    private var extended: [UInt8] = []
    /// `size` of a pax header, for the entry that follows.
    private var sizeOverride: Int?

    init(limits: ArchiveLimits) {
        self.limits = limits
        block.reserveCapacity(TarScanner.blockBytes)
    }

    mutating func feed(_ bytes: UnsafeRawBufferPointer) throws(ArchiveProblem) {
        var position = 0
        while position < bytes.count {
            let available = bytes.count - position
            switch state {
            case .data(let left):
                let skipped = min(left, available)
                position += skipped
                state = skipped == left ? .header : .data(left: left - skipped)
            case .extended(let left, let padding):
                let taken = min(left, available)
                extended.append(contentsOf: bytes[position..<position + taken])
                position += taken
                if taken == left {
                    try readExtendedHeader()
                    state = padding == 0 ? .header : .data(left: padding)
                } else {
                    state = .extended(left: left - taken, padding: padding)
                }
            case .ended:
                guard bytes[position...].allSatisfy({ $0 == 0 }) else { throw .trailingData }
                position = bytes.count
            case .header, .sparseMap, .zeroBlockSeen:
                let taken = min(TarScanner.blockBytes - block.count, available)
                block.append(contentsOf: bytes[position..<position + taken])
                position += taken
                if block.count == TarScanner.blockBytes {
                    try readBlock()
                    offset += TarScanner.blockBytes
                    block.removeAll(keepingCapacity: true)
                }
            }
        }
    }

    func finish() throws(ArchiveProblem) {
        guard case .ended = state else { throw .truncatedTar }
    }

    private mutating func readBlock() throws(ArchiveProblem) {
        if case .sparseMap(let size) = state {
            if block[504] == 0 { enterData(size) }
            return
        }
        if block.allSatisfy({ $0 == 0 }) {
            if case .zeroBlockSeen = state { state = .ended } else { state = .zeroBlockSeen }
            return
        }
        if case .zeroBlockSeen = state { throw .trailingData }
        guard checksumHolds, let declared = number(at: 124, length: 12), declared <= TarScanner.sizeMax else {
            throw .badTarHeader(offset: offset)
        }
        entries += 1
        guard entries <= limits.entriesMax else { throw .tooManyEntries(limit: limits.entriesMax) }
        let size = sizeOverride ?? declared
        switch block[156] {
        case UInt8(ascii: "x"):
            guard declared <= limits.extendedHeaderBytesMax else { throw .badTarHeader(offset: offset) }
            extended.removeAll(keepingCapacity: true)
            state = declared == 0 ? .header : .extended(left: declared, padding: TarScanner.padding(declared))
            return
        case UInt8(ascii: "1"), UInt8(ascii: "2"), UInt8(ascii: "3"), UInt8(ascii: "4"), UInt8(ascii: "5"),
            UInt8(ascii: "6"):
            // Links, devices, directories and FIFOs carry no data; some writers still state a size for hard links.
            enterData(0)
        case UInt8(ascii: "S") where block[482] != 0:
            state = .sparseMap(size: size)
        case UInt8(ascii: "g"), UInt8(ascii: "L"), UInt8(ascii: "K"):
            // Global headers and GNU long names stand before the entry that they speak of.
            enterData(declared)
            return
        default:
            enterData(size)
        }
        sizeOverride = nil
    }

    private mutating func enterData(_ size: Int) {
        state = size == 0 ? .header : .data(left: size + TarScanner.padding(size))
    }

    private static func padding(_ size: Int) -> Int {
        let rest = size % blockBytes
        return rest == 0 ? 0 : blockBytes - rest
    }

    /// The sum of all bytes, the checksum field itself counted as blanks.
    private var checksumHolds: Bool {
        guard let stated = number(at: 148, length: 8) else { return false }
        var sum = 0
        var signedSum = 0  // some historic writers summed signed bytes
        for (position, byte) in block.enumerated() {
            let counted = (148..<156).contains(position) ? UInt8(ascii: " ") : byte
            sum += Int(counted)
            signedSum += Int(Int8(bitPattern: counted))
        }
        return stated == sum || stated == signedSum
    }

    /// An octal field, ended by blank or NUL, or the GNU base-256 form. nil when it is neither or too large.
    private func number(at start: Int, length: Int) -> Int? {
        let field = block[start..<start + length]
        if block[start] & 0x80 != 0 {
            var value = Int(block[start] & 0x7f)
            for byte in field.dropFirst() {
                guard value <= Int.max >> 8 else { return nil }
                value = value << 8 | Int(byte)
            }
            return value
        }
        var value = 0
        var digits = field.drop { $0 == UInt8(ascii: " ") }
        while let byte = digits.first, byte != 0, byte != UInt8(ascii: " ") {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(byte), value <= Int.max >> 3 else { return nil }
            value = value << 3 | Int(byte - UInt8(ascii: "0"))
            digits = digits.dropFirst()
        }
        return value
    }

    /// Records of the form `LENGTH KEY=VALUE\n`, of which only `size` matters here.
    private mutating func readExtendedHeader() throws(ArchiveProblem) {
        var rest = extended[...]
        while !rest.isEmpty {
            guard let blank = rest.firstIndex(of: UInt8(ascii: " ")),
                let length = decimal(rest[rest.startIndex..<blank]), length <= rest.count,
                length > blank - rest.startIndex + 1
            else { throw .badTarHeader(offset: offset) }
            let end = rest.startIndex + length
            let record = rest[(blank + 1)..<end]
            guard record.last == UInt8(ascii: "\n"), let equals = record.firstIndex(of: UInt8(ascii: "=")) else {
                throw .badTarHeader(offset: offset)
            }
            if record[..<equals].elementsEqual("size".utf8) {
                guard let size = decimal(record[(equals + 1)..<(end - 1)]) else { throw .badTarHeader(offset: offset) }
                sizeOverride = size
            }
            rest = rest[end...]
        }
    }

    private func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.count <= 18 else { return nil }
        var value = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }
}
