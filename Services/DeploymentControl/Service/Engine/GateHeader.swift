import ServiceKit

/// One more header for a proxy in front of Gate, from `Name: value`.
struct GateHeader: Sendable {
    let name: String
    let value: Secret<String>

    static let parser = ValueParser<GateHeader>(
        expected: "\"Name: value\", the name being none that the service sets itself"
    ) { GateHeader($0) }

    /// Headers of every request to Gate, and those of the connection.
    private static let reserved: Set<String> = [
        "host", "accept", "content-type", "content-length", "transfer-encoding", "connection", "expect", "te", "upgrade",
        "user-agent", "x-spinnaker-user", "x-request-id", "traceparent",
    ]

    init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let name = text[..<colon]
        let value = text[text.index(after: colon)...].drop { $0 == " " }
        guard !name.isEmpty, !value.isEmpty, name.utf8.allSatisfy(Self.isTokenByte), !Self.reserved.contains(name.lowercased()),
            value.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else { return nil }
        self.name = String(name)
        self.value = Secret(String(value))
    }

    var isAuthorization: Bool { name.lowercased() == "authorization" }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
