import EventLoop
import Glibc

/// A self-signed certificate made for one test, through the openssl command.
public struct TestCertificate: Sendable {
    public let certificate: String
    public let key: String

    public struct NotMade: Error {}

    /// - Parameter names: subjectAltName, such as `IP:127.0.0.1,DNS:localhost`.
    public static func make(names: String) async throws -> TestCertificate {
        var template = Array("/tmp/trivet-cert-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw NotMade() }
        let directory = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let files = TestCertificate(certificate: "\(directory)/cert.pem", key: "\(directory)/key.pem")
        let command = ChildCommand(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=trivet test", "-addext", "subjectAltName=\(names)", "-keyout", files.key, "-out",
                files.certificate,
            ], environment: ["PATH": "/usr/bin:/bin"])
        let result = try await TestLoops.run {
            try await ChildProcess.run(command, outputBytesMax: 1 << 16) { _, _ in }
        }
        guard result.exit.isSuccess else { throw NotMade() }
        return files
    }
}
