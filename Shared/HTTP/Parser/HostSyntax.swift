/// `uri-host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2.2). Never empty, no user information.
enum HostSyntax {
    static func isHost(_ base: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        var index = 0
        if count > 0, base[0] == 0x5B {
            index = 1
            while index < count, ByteClass.has(base[index], ByteClass.hex) || base[index] == 0x3A || base[index] == 0x2E {
                index &+= 1
            }
            guard index > 2, index < count, base[index] == 0x5D else { return false }
            index &+= 1
        } else {
            let classes = ByteClass.table
            while index < count, classes[Int(base[index])] & ByteClass.host != 0 { index &+= 1 }
            if index == 0 { return false }
        }
        if index == count { return true }
        guard base[index] == 0x3A, count &- index <= 6 else { return false }
        for position in (index &+ 1)..<count where !ByteClass.has(base[position], ByteClass.digit) { return false }
        return true
    }
}
