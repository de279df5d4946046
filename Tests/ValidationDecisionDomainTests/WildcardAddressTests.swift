import TestSupport
import Testing

@testable import ValidationDecisionDomain

@Suite struct WildcardAddressTests {
    static let zeros = [
        "0.0.0.0", "00.0.0.0", "0.0.0", "0.0", "0x0", "0X0", "0x00000000", "0x0.0", "0x0.0x0.0x0.0x0", "00.00.00.00",
        "000000000000.0.0.0", "0.0.0.0.", "*",
    ]
    static let zeros6 = [
        "::", "::0", "0::", "0::0", "::0000", "0:0:0:0:0:0:0:0", "0000:0000:0000:0000:0000:0000:0000:0000", "::0:0",
        "::0.0.0.0", "::ffff:0.0.0.0", "::FFFF:0:0", "0:0:0:0:0:ffff:0.0.0.0", "::%eth0", "0:0:0:0:0:0:0.0.0.0",
    ]
    static let hosts = [
        "127.0.0.1", "10.0.0.1", "192.168.0.0", "0.0.0.1", "1.0.0.0", "0.0.0.0.0", "127.1", "0x7f000001", "0177.0.0.1",
        "localhost", "example.com", "0.example.com", "db-0", "0x0.example", "x0", "0b0", "${HOST}",
    ]
    static let hosts6 = [
        "::1", "0:0:0:0:0:0:0:1", "0::1", "fe80::1", "fe80::", "::ffff:127.0.0.1", "2001:db8::", "::ffff:10.0.0.0",
        "1::", "::1%lo", "64:ff9b::1.2.3.4", "::abcd",
    ]

    @Test("every spelling of the zero address is a wildcard, alone and with what may stand around it", arguments: zeros)
    func zeroAddresses(host: String) {
        let around = [
            host, " \(host) ", "\(host):8080", "\(host):8080:80", "\(host):8080:80/tcp", "\(host):53/udp",
            "\(host):8000-8010:80-90", "\(host)::80", "\(host):${PORT}", "\(host):${PORT}:80", "[\(host)]:80",
            "\t\(host) :80\n", "http://\(host):80/", "tcp://\(host):80", "\(host)/0", "/\(host):80", "\(host):",
            "127.0.0.1:80,\(host):81", "\(host):80 ssl",
        ]
        for text in around {
            #expect(WildcardAddress.isBound(byEntry: text), "\(text)")
            #expect(WildcardAddress.isBound(byAddress: text), "\(text)")
        }
    }

    @Test("every spelling of the zero address of IPv6 is a wildcard", arguments: zeros6)
    func zeroAddresses6(host: String) {
        let around = [
            host, " \(host)\t", "[\(host)]", "[\(host)]:8080", "[\(host)]:8080:80/tcp", "\(host):8080",
            "\(host):8080:80", "https://[\(host)]:443", "[\(host)", "\(host)/0", "[::1]:80 [\(host)]:80",
        ]
        for text in around {
            #expect(WildcardAddress.isBound(byEntry: text), "\(text)")
            #expect(WildcardAddress.isBound(byAddress: text), "\(text)")
        }
    }

    @Test("an empty host before a colon is a wildcard", arguments: [
        ":8080", ":8080:80", ":8080/tcp", " :8080", "http://:8080", "::8080", ":::8080", ":", ":${PORT}", ":0:80:80",
        "[]:80", "127.0.0.1:80,:8080",
    ])
    func emptyHost(text: String) {
        #expect(WildcardAddress.isBound(byEntry: text))
        #expect(WildcardAddress.isBound(byAddress: text))
    }

    @Test("other addresses are none, alone and with ports", arguments: hosts)
    func others(host: String) {
        for text in [host, "\(host):80", "\(host):0", "\(host):8080:80", "\(host):0-10:0/tcp", "[\(host)]:80",
            "http://\(host):80/x", "user@\(host):80", "\(host):80,\(host):81"]
        {
            #expect(!WildcardAddress.isBound(byEntry: text), "\(text)")
            #expect(!WildcardAddress.isBound(byAddress: text), "\(text)")
        }
    }

    @Test("other addresses of IPv6 are none", arguments: hosts6)
    func others6(host: String) {
        for text in [host, "[\(host)]", "[\(host)]:80", "[\(host)]:80:80/tcp", "http://[\(host)]:80/"] {
            #expect(!WildcardAddress.isBound(byEntry: text), "\(text)")
            #expect(!WildcardAddress.isBound(byAddress: text), "\(text)")
        }
    }

    @Test("loopback with ports but without brackets is none", arguments: [
        "::1:8080", "0:0:0:0:0:0:0:1:8080", "0:0:0:0:0:0:0:5:80", "::ffff:10.0.0.1:8080", "fe80::1:80:80",
    ])
    func loopbackWithPorts(text: String) {
        #expect(!WildcardAddress.isBound(byEntry: text))
    }

    @Test("a digit string alone is a port", arguments: ["80", "443", "0", "00", "8080/tcp", " 53/udp "])
    func ports(text: String) {
        #expect(!WildcardAddress.isBound(byEntry: text))
    }

    @Test("ports without an address are no wildcard", arguments: [
        "8080:80", "8000-8010", "8000-8010:80-90", "http", "/run/app.sock", "unix:/run/app.sock", "unix:///run/app.sock",
        "443 ssl", "unix:@abstract",
    ])
    func portsAlone(text: String) {
        #expect(!WildcardAddress.isBound(byEntry: text))
        #expect(!WildcardAddress.isBound(byAddress: text))
    }

    @Test("under an address key zero is the address and any other number a port")
    func addressKeyNumbers() {
        for text in ["0", "00", " 0 ", "0x0", ""] { #expect(WildcardAddress.isBound(byAddress: text), "\(text)") }
        for text in ["80", "8080", "0x50"] { #expect(!WildcardAddress.isBound(byAddress: text), "\(text)") }
    }

    @Test("texts of any bytes are judged without a trap", arguments: 0..<200)
    func anyText(seed: UInt64) {
        var random = SeededRandom(seed)
        let alphabet = Array(":::...00001fFxX[]%/@*, -\u{301}é\n".unicodeScalars)
        for _ in 0..<200 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...14, using: &random) { text.append(alphabet.randomElement(using: &random)!) }
            let once = WildcardAddress.isBound(byEntry: String(text))
            #expect(WildcardAddress.isBound(byEntry: String(text)) == once, "seed \(seed)")
            // White space around it never matters.
            #expect(WildcardAddress.isBound(byEntry: " " + String(text) + "\t") == once, "seed \(seed): \(text)")
        }
    }
}
