import Encoding

/// The one line that a node answers a magic login with: `{"token": "…", "user_id": 1}`.
struct MagicLoginAnswer: Hashable {
    /// 32 to 128 characters that stand in a URL as they are.
    let token: String

    /// nil for anything but that line.
    init?(_ output: [UInt8]) {
        var line = output[...]
        if line.last == 0x0A { line.removeLast() }
        guard !line.contains(0x0A), let object = try? JSONReader.parse(Array(line)).object,
            let token = object["token"]?.string, let user = object["user_id"]?.int, user >= 1
        else { return nil }
        let isPlain = token.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
            default: false
            }
        }
        guard isPlain, (32...128).contains(token.utf8.count) else { return nil }
        self.token = token
    }
}
