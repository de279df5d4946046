/// Classes of bytes that the grammars of RFC 9110, 9112 and 3986 speak of, as bits of one table.
package enum ByteClass {
    static let token: UInt8 = 1
    /// pchar of RFC 3986 without percent, and "/".
    static let path: UInt8 = 2
    static let digit: UInt8 = 4
    static let hex: UInt8 = 8
    /// reg-name of RFC 3986 §3.2.2, percent included.
    static let host: UInt8 = 16
    /// Visible ASCII.
    static let visible: UInt8 = 32
    /// bchars of RFC 2046 §5.1.1, space included.
    static let boundary: UInt8 = 64

    /// Immortal: one allocation for the life of the process.
    nonisolated(unsafe) static let table: UnsafePointer<UInt8> = {  // written once here, only read afterwards
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        table.initialize(repeating: 0, count: 256)
        func mark(_ bytes: String.UTF8View, _ bits: UInt8) {
            for byte in bytes { table[Int(byte)] |= bits }
        }
        let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8
        mark(letters, token | path | host | boundary)
        mark("0123456789".utf8, token | path | host | boundary | digit | hex)
        mark("abcdefABCDEF".utf8, hex)
        mark("!#$%&'*+-.^_`|~".utf8, token)
        mark("-._~!$&'()*+,;=:@/".utf8, path)
        mark("-._~!$&'()*+,;=%".utf8, host)
        mark("'()+_,-./:=? ".utf8, boundary)
        for byte in 0x21...0x7E { table[byte] |= visible }
        return UnsafePointer(table)
    }()

    @inline(__always)
    static func has(_ byte: UInt8, _ bits: UInt8) -> Bool { table[Int(byte)] & bits != 0 }

    @inline(__always)
    package static func isToken(_ byte: UInt8) -> Bool { has(byte, token) }

    @inline(__always)
    package static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    /// The value of a hexadecimal digit.
    @inline(__always)
    package static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte &- 0x30
        case 0x41...0x46: byte &- 0x41 &+ 10
        case 0x61...0x66: byte &- 0x61 &+ 10
        default: nil
        }
    }
}

extension ByteClass {
    /// Whether two runs of `count` bytes are equal without regard to ASCII case.
    @inline(__always)
    static func same(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        for index in 0..<count where a[index] != b[index] && lowercased(a[index]) != lowercased(b[index]) {
            return false
        }
        return true
    }

    /// Whether `bytes` spell `word`, which is ASCII, without regard to case.
    @inline(__always)
    static func spells(_ bytes: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        guard bytes.count == word.utf8CodeUnitCount, let base = bytes.baseAddress else { return false }
        return same(base.assumingMemoryBound(to: UInt8.self), word.utf8Start, bytes.count)
    }
}
