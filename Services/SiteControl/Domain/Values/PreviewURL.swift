/// The address that an environment has from birth, without any work on DNS (reference 8.1).
public struct PreviewURL: Hashable, Sendable {
    public let text: String

    /// Below the installation's own preview domain, with its wildcard certificate.
    public init(_ key: EnvironmentKey, domain: Hostname) {
        text = "https://\(key.text).\(domain.text)"
    }

    /// Through a public DNS service that answers with the address inside the name; plain HTTP.
    public init(_ key: EnvironmentKey, node: IPv4Address) {
        text = "http://\(key.text).\(node.hyphenated).sslip.io"
    }
}

/// An IPv4 address in dotted decimal.
public struct IPv4Address: Hashable, Sendable {
    public let text: String

    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4,
            parts.allSatisfy({ part in
                guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (48...57).contains($0) }),
                    let value = Int(part), value <= 255
                else { return false }
                return part.utf8.count == 1 || part.utf8.first != 48
            })
        else { return nil }
        self.text = text
    }

    var hyphenated: String { String(text.map { $0 == "." ? "-" : $0 }) }
}
