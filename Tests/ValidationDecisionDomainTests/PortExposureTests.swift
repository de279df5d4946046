import Testing

@testable import ValidationDecisionDomain

@Suite struct PortExposureTests {
    private func judge(_ ports: DocumentValue, env: DocumentValue = "prod") -> Evaluation {
        judgeMigration(Good.migration.setting("env", env), Good.config.setting("ports", ports))
    }

    @Test("a wildcard is found in string entries and under every address key")
    func found() {
        let entries: [DocumentValue] = [
            "0.0.0.0:8080", ":8080", "[::]:80", "*:80",
            map(["bind": "0.0.0.0", "port": 80]), map(["host": "::"]), map(["address": "*"]),
            map(["host_ip": "0.0.0.0"]), map(["ip": "0"]), map(["listen": "0.0.0.0:80"]), map(["listen": ":80"]),
            map(["HOST": "0.0.0.0"]), map(["hostIP": "0.0.0.0"]), map(["Host-Ip": "0.0.0.0"]),
            map(["host": .integer("0")]), map(["host": .integer("0x0")]), map(["host": .float("0.0")]),
            map(["bind": ["127.0.0.1", "0.0.0.0"]]), map(["listen": map(["address": "0.0.0.0"])]),
            map(["bindings": [map(["host": "::"])]]), map(["host": ""]), map(["<<": map(["host": "0.0.0.0"])]),
        ]
        for entry in entries {
            #expect(judge([443, entry]).codes == [.publicPortExposed], "\(entry)")
        }
    }

    @Test("what binds one address, or is a port, is allowed")
    func allowed() {
        let entries: [DocumentValue] = [
            1, 443, 65535, .integer("0x1bb"), .integer("0o673"), .integer("+443"), "8080", "0", "127.0.0.1:80",
            "8080:80", map([:]), map(["bind": "127.0.0.1"]), map(["listen": 8080]), map(["listen": "8080"]),
            map(["name": "0.0.0.0"]), map(["host": .null]), map(["port": 0]), map(["hosts": "0.0.0.0"]),
        ]
        for entry in entries {
            #expect(judge([entry]).decision == .allow, "\(entry)")
        }
        #expect(judge([]).decision == .allow)
    }

    @Test("staging may bind any address, an unknown environment may not")
    func environments() {
        #expect(judge(["0.0.0.0:80"], env: "staging").decision == .allow)
        #expect(judge(["0.0.0.0:80"], env: "dev").codes == [.unknownEnv, .publicPortExposed])
    }

    @Test("every place is named by its path")
    func paths() {
        let ports: DocumentValue = [443, "0.0.0.0:80", map(["x": map(["bind": ["10.0.0.1", "::"]])])]
        let message = judge(ports).message(.publicPortExposed)
        #expect(message.hasSuffix(#": ports[1] binds "0.0.0.0:80"; ports[2].x.bind[1] binds "::""#))
    }

    @Test("the order of an entry's keys does not show")
    func orderOfKeys() {
        let one = judge([map(["bind": "::", "address": "*", "x": map(["ip": "0", "host": "0.0.0.0"])])])
        let two = judge([map(["x": map(["host": "0.0.0.0", "ip": "0"]), "address": "*", "bind": "::"])])
        #expect(one.decision == .block)
        #expect(one == two)
    }

    @Test("an entry of another kind or out of range is malformed input")
    func malformed() {
        let entries: [DocumentValue] = [
            0, 65536, -1, .integer("99999999999999999999999"), .integer("0x-1"), .integer("0x"), .float("443.0"), true,
            .null, [443],
        ]
        for entry in entries {
            let evaluation = judge([443, entry])
            #expect(evaluation.codes == [.schemaInvalid], "\(entry)")
            #expect(evaluation.statusClass == .malformedInput)
            #expect(evaluation.message(.schemaInvalid).contains("ports[1]"), "\(entry)")
        }
    }
}
