/// Why bytes are no acceptable tar.gz.
enum ArchiveProblem: Error, Hashable {
    /// zlib refused the stream; the text is zlib's own.
    case notGzip(String)
    case truncatedGzip
    /// More than ``ArchiveLimits/expansionRatioMax`` bytes came out per byte that went in.
    case expandsTooFar(ratio: Int)
    /// The header block at this offset of the unpacked stream has a wrong checksum or an unreadable field.
    case badTarHeader(offset: Int)
    case truncatedTar
    /// Something other than zero bytes follows the end-of-archive mark.
    case trailingData
    case tooManyEntries(limit: Int)

    var message: String {
        switch self {
        case .notGzip(let detail): "not a gzip stream (\(detail))"
        case .truncatedGzip: "the gzip stream ends early"
        case .expandsTooFar(let ratio): "the gzip stream expands more than \(ratio) times"
        case .badTarHeader(let offset): "not a tar archive: the header at offset \(offset) is invalid"
        case .truncatedTar: "the tar archive ends early"
        case .trailingData: "data follows the end of the tar archive"
        case .tooManyEntries(let limit): "the tar archive has more than \(limit) entries"
        }
    }
}

/// Bounds of the archive check.
struct ArchiveLimits: Sendable, Hashable {
    /// Unpacked bytes per packed byte. Deflate itself ends at about 1,032.
    var expansionRatioMax = 256
    /// Unpacked bytes that are always accepted, so that an archive that begins with a hole passes.
    var expansionAllowance = 64 << 20
    var entriesMax = 1_000_000
    /// Bytes of one extended header (POSIX pax), which has to be kept.
    var extendedHeaderBytesMax = 65536
}
