internal import COpenSSL

/// Random bytes of OpenSSL's generator, seeded by the kernel. Any thread.
///
/// A generator that cannot be seeded stops the process: a predictable token is worse than none.
public struct SecureRandom: RandomNumberGenerator, Sendable {
    public init() {}

    public static func fill(_ target: UnsafeMutableRawBufferPointer) {
        guard let base = target.baseAddress else { return }
        var offset = 0
        while offset < target.count {
            let count = min(target.count - offset, 1 << 20)
            let filled = RAND_bytes((base + offset).assumingMemoryBound(to: UInt8.self), CInt(count))
            precondition(filled == 1, "the random generator is not seeded")
            offset += count
        }
    }

    public static func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { target, written in
            fill(UnsafeMutableRawBufferPointer(target))
            written = count
        }
    }

    public static func next64() -> UInt64 {
        var value: UInt64 = 0
        withUnsafeMutableBytes(of: &value) { fill($0) }
        return value
    }

    public func next() -> UInt64 { Self.next64() }
}

/// Random numbers taken from OpenSSL in batches: for identifiers and tokens on a hot path. One per loop or thread.
///
/// Given-out bytes are wiped from the batch. A forked child must not go on with its parent's batch.
public final class BufferedRandom: RandomNumberGenerator {
    private let batch: UnsafeMutableRawBufferPointer
    private var index: Int

    /// - Parameter batchBytes: bytes asked of OpenSSL at a time; a multiple of 8.
    public init(batchBytes: Int = 2048) {
        precondition(batchBytes >= 8 && batchBytes.isMultiple(of: 8), "a batch is a multiple of 8 bytes")
        batch = .allocate(byteCount: batchBytes, alignment: 8)
        index = batchBytes
    }

    deinit {
        OPENSSL_cleanse(batch.baseAddress, batch.count)
        batch.deallocate()
    }

    public func next() -> UInt64 {
        if index == batch.count {
            SecureRandom.fill(batch)
            index = 0
        }
        let value = batch.load(fromByteOffset: index, as: UInt64.self)
        batch.storeBytes(of: 0, toByteOffset: index, as: UInt64.self)
        index &+= 8
        return value
    }

    /// 128 random bits, for a UUID.
    public func pair() -> (UInt64, UInt64) { (next(), next()) }

    public func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            withUnsafeBytes(of: next()) { word in bytes.append(contentsOf: word.prefix(count - bytes.count)) }
        }
        return bytes
    }
}
