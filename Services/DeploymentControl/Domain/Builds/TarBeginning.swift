/// Tells a tar archive by its first block (POSIX.1-2017 pax, "ustar Interchange Format"; reference 6.6).
public enum TarBeginning {
    public static let blockBytes = 512

    /// - Parameter block: the first `blockBytes` bytes.
    public static func isArchive(_ block: [UInt8]) -> Bool {
        guard block.count == blockBytes, block[257..<262].elementsEqual("ustar".utf8), let told = octal(block[148..<156])
        else { return false }
        var sum = block.reduce(0) { $0 + Int($1) }
        // The field itself counts as spaces.
        for byte in block[148..<156] { sum += 0x20 - Int(byte) }
        return sum == told
    }

    /// Octal digits, with blanks before and blanks or NUL after.
    private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
        let digits = field.drop { $0 == 0x20 }.prefix { (0x30...0x37).contains($0) }
        let rest = field[digits.endIndex...]
        guard !digits.isEmpty, rest.allSatisfy({ $0 == 0x20 || $0 == 0 }) else { return nil }
        return digits.reduce(0) { $0 * 8 + Int($1 - 0x30) }
    }
}

/// Tells a gzip stream by its fixed header (RFC 1952 §2.3).
public enum GzipBeginning {
    public static let headBytes = 4

    /// - Parameter head: the first `headBytes` bytes.
    public static func isStream(_ head: [UInt8]) -> Bool {
        head.count >= headBytes && head.starts(with: [0x1F, 0x8B, 0x08]) && head[3] & 0xE0 == 0
    }
}
