internal import COpenSSL

/// Equality whose time depends on the lengths only, never on where the bytes differ.
public func constantTimeEquals(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count else { return false }
    guard let left = left.baseAddress, let second = right.baseAddress else { return true }
    return CRYPTO_memcmp(left, second, right.count) == 0
}

public func constantTimeEquals(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.withUnsafeBytes { left in right.withUnsafeBytes { constantTimeEquals(left, $0) } }
}

public func constantTimeEquals(_ left: Digest32, _ right: Digest32) -> Bool {
    left.withUnsafeBytes { left in right.withUnsafeBytes { constantTimeEquals(left, $0) } }
}
