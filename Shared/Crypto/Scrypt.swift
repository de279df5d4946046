internal import COpenSSL

/// scrypt, RFC 7914: a slow, memory-hungry function for passwords. Takes tens of milliseconds: run it on the blocking pool.
public enum Scrypt {
    /// What a derivation costs. Stored beside each password hash, so that it can be raised later.
    public struct Parameters: Hashable, Sendable {
        /// N: a power of two above 1.
        public var cost: Int
        /// r.
        public var blockSize: Int
        /// p.
        public var parallelism: Int

        public init(cost: Int, blockSize: Int, parallelism: Int) {
            self.cost = cost
            self.blockSize = blockSize
            self.parallelism = parallelism
        }

        /// N = 2¹⁵, r = 8, p = 1: 32 MiB.
        public static let interactive = Parameters(cost: 32_768, blockSize: 8, parallelism: 1)

        /// Bytes of memory a derivation takes, nil where that does not fit an Int.
        public var memoryBytes: Int? {
            let (block, first) = blockSize.multipliedReportingOverflow(by: 128)
            let (rows, second) = cost.addingReportingOverflow(parallelism)
            let (padded, third) = rows.addingReportingOverflow(2)
            let (total, fourth) = block.multipliedReportingOverflow(by: padded)
            return first || second || third || fourth ? nil : total
        }
    }

    /// - Parameters:
    ///   - length: bytes to derive, 1 to 1,024.
    ///   - memoryBytesMax: refuse parameters that would take more; guards against a doctored stored hash.
    public static func derive(
        password: [UInt8], salt: [UInt8], parameters: Parameters = .interactive, length: Int = 32,
        memoryBytesMax: Int = 64 << 20
    ) throws(CryptoError) -> [UInt8] {
        guard 1...1024 ~= length, parameters.cost > 1, parameters.cost & (parameters.cost - 1) == 0,
            parameters.blockSize > 0, parameters.parallelism > 0
        else { throw .invalidParameters }
        guard let memory = parameters.memoryBytes, memory <= memoryBytesMax else {
            throw .memoryLimit(bytesMax: memoryBytesMax)
        }
        var key = [UInt8](repeating: 0, count: length)
        let done = password.withUnsafeBytes { password in
            salt.withUnsafeBufferPointer { salt in
                // OpenSSL takes a null password for a question about the parameters, so an empty one needs an address.
                withUnsafePointer(to: 0 as CChar) { nothing in
                    EVP_PBE_scrypt(
                        password.isEmpty ? nothing : password.baseAddress?.assumingMemoryBound(to: CChar.self),
                        password.count, salt.baseAddress, salt.count, UInt64(parameters.cost),
                        UInt64(parameters.blockSize), UInt64(parameters.parallelism), UInt64(memoryBytesMax),
                        &key, length)
                }
            }
        }
        guard done == 1 else {
            ERR_clear_error()
            throw .derivationFailed
        }
        return key
    }
}
