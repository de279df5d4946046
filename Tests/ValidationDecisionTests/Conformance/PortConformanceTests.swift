import Encoding
import TestSupport
import Testing

/// Section 4 of the reference: ports and wildcard addresses.
@Suite(.serialized) struct PortConformanceTests {
    let target: Conformance

    init() async throws { target = try await Conformance.shared() }

    @Test(
        "ports is no sequence",
        arguments: ["", "ports:", "ports: null", "ports: 443", "ports: '443'", "ports: {a: 443}"])
    func noSequence(_ ports: String) async throws {
        let verdict = try await target.migrate(env: "staging", Conformance.config(ports: ports))
        verdict.expect(400, ["SCHEMA_INVALID"])
        #expect(verdict.message("SCHEMA_INVALID").contains("ports"))
    }

    @Test(
        "an entry that is no integer 1..65535, string or mapping",
        arguments: [
            "0", "-1", "65536", "99999999999999999999999", "1.5", "443.0", "1e3", "true", "null", "~", "[443]", "[]",
            ".inf",
        ],
        ["prod", "staging"])
    func badEntry(_ entry: String, _ env: String) async throws {
        try await target.migrate(env: env, Conformance.config(ports: "ports:\n  - 443\n  - \(entry)")).expect(
            400, ["SCHEMA_INVALID"])
    }

    @Test(
        "entries that bind no wildcard address",
        arguments: [
            "1", "443", "65535", "'443'", "\"8080\"", "'0'", "443/tcp", "'53/udp'", "127.0.0.1:443", "10.0.0.1:80:8080",
            "10.0.0.0:80",
            "0.0.0.1:443", "100.0.0.0:443", "0.0.0.0.example:443", "'[::1]:443'", "'[::1]:80:8080/tcp'",
            "'[fe80::]:443'", "localhost:443",
            "0x1:443", "example.com:443", "https", "{port: 443}", "{}", "{port: 443, host: 127.0.0.1}",
            "{name: 0.0.0.0, port: 443}",
            "{bind: '::1'}", "{listen: '127.0.0.1:443'}", "{listen: 443}", "{listen: '443'}",
            "{address: 10.0.0.1, description: '*'}",
        ])
    func harmless(_ entry: String) async throws {
        try await target.migrate(Conformance.config(ports: "ports:\n  - \(entry)")).expect(200, [])
        try await target.migrate(env: "qa", Conformance.config(ports: "ports:\n  - \(entry)")).expect(
            200, ["UNKNOWN_ENV"])
    }

    @Test("an empty sequence exposes nothing")
    func noPorts() async throws { try await target.migrate(Conformance.config(ports: "ports: []")).expect(200, []) }

    /// Hosts that the page calls a wildcard address.
    static let wildcards = [
        "0.0.0.0", "0", "00", "00.0.0.0", "0x0", "0X0", "0x00000000", "000.000.000.000", "0x0.0x0.0x0.0x0", "0.0",
        "0.0.0", "0.0.0.0x0", "[::]", "*", "",
    ]

    @Test("a string entry with a wildcard host", arguments: wildcards, ["443", "80:8080"])
    func wildcardEntry(_ host: String, _ port: String) async throws {
        for suffix in ["", "/tcp", "/udp"] {
            try await exposed("'\(host):\(port)\(suffix)'")
            try await exposed("\"\(host):\(port)\(suffix)\"")
        }
    }

    @Test(
        "further spellings of wildcard entries",
        arguments: [
            ":::443", "'::0:443'", "'[::0]:443'", "'[::0]:80:8080/udp'", "0.0.0.0", "0.0.0.0/tcp", "'::'", "'[::]'",
            "'*'", "'::0'",
        ])
    func furtherSpellings(_ entry: String) async throws {
        try await exposed(entry.hasPrefix(":") ? "'\(entry)'" : entry)
    }

    @Test(
        "a mapping entry with a wildcard address", arguments: ["bind", "host", "address", "host_ip", "ip", "listen"],
        [
            "0.0.0.0", "'00.0.0.0'", "'0x0'", "'::'", "'[::]'", "'::0'", "'*'", "'0.0.0.0:443'", "'[::]:443'",
            "'*:443'", "':8080'", "'0.0.0.0:443/tcp'",
        ])
    func wildcardMapping(_ key: String, _ value: String) async throws {
        try await exposed("{port: 443, \(key): \(value)}")
        try await exposed("\(key): \(value)\n    port: 443")
    }

    private func exposed(_ entry: String, location: SourceLocation = #_sourceLocation) async throws {
        let config = Conformance.config(ports: "ports:\n  - 443\n  - \(entry)")
        try await target.migrate(config).expect(200, ["PUBLIC_PORT_EXPOSED"], entry, location: location)
    }

    @Test("where prod rules do not apply a wildcard address is fine, and where the env is unknown it is not")
    func otherEnvironments() async throws {
        for host in PortConformanceTests.wildcards {
            let config = Conformance.config(ports: "ports: ['\(host):443', {host: '0.0.0.0'}]")
            try await target.migrate(env: "staging", config).expect(200, [], host)
            try await target.migrate(env: "qa", config).expect(200, ["UNKNOWN_ENV", "PUBLIC_PORT_EXPOSED"], host)
        }
    }

    @Test("the message lists every place")
    func everyPlace() async throws {
        let entries = (0..<32).map { [17, 29].contains($0) ? "'*:443'" : "443" }
        let verdict = try await target.migrate(Conformance.config(ports: "ports: [\(entries.joined(separator: ", "))]"))
        verdict.expect(200, ["PUBLIC_PORT_EXPOSED"])
        #expect(
            verdict.message("PUBLIC_PORT_EXPOSED").contains("17")
                && verdict.message("PUBLIC_PORT_EXPOSED").contains("29"))
    }
}
