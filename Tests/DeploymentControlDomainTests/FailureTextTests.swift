import DeploymentControlDomain
import TestSupport
import Testing

/// What may be logged of an engine's text (reference 7.8), and what an ordinary caller may read of it (3.6).
@Suite struct FailureTextTests {
    @Test(
        "secrets are taken out of headers, queries and JSON",
        arguments: [
            ("Authorization: Basic YWJj zzz", "Authorization: [redacted]"),
            ("x AUTHORIZATION:Bearer abc\nnext", "x AUTHORIZATION:[redacted] next"),
            ("sent Bearer abc.def-ghi to it", "sent Bearer [redacted] to it"),
            ("a access_token=abc&x=1", "a access_token=[redacted]&x=1"), ("id_token=abc", "id_token=[redacted]"),
            ("refresh_token=abc;b", "refresh_token=[redacted];b"), ("token=abc def", "token=[redacted] def"),
            ("api_key=abc, def", "api_key=[redacted], def"), ("cookie=a=b; c=d", "cookie=[redacted]"),
            ("Set-Cookie: a=b; Path=/\r\nok", "Set-Cookie: [redacted] ok"),
            (#"{"access_token":"abc","n":1}"#, #"{"access_token":[redacted],"n":1}"#),
            (#"{\"token\":\"abc\",\"n\":1}"#, #"{\"token\":[redacted],\"n\":1}"#),
            (#"{"Authorization": "Bearer abc", "n": 1}"#, #"{"Authorization": [redacted], "n": 1}"#),
            ("client_secret=abc password: hunter2", "client_secret=[redacted] password: [redacted]"),
            ("tokens are fine, and so is a token", "tokens are fine, and so is a token"),
        ])
    func secrets(text: String, redacted: String) {
        #expect(EngineText.redacted(text) == redacted)
    }

    @Test(
        "addresses are cut to scheme and host",
        arguments: [
            ("GET https://host.example:8443/a/b?c=d failed", "GET https://host.example failed"),
            ("(http://u:pw@h/x): no", "(http://h): no"), ("http://u:p/w@h/x", "http://h"), ("s3://bucket/key/file.zip, gone", "s3://bucket, gone"),
            ("http://[::1]:80/x", "http://[::1]"), ("://x", "://x"), ("a://", "a://"), ("https://h?x=https://k/y", "https://h"),
        ])
    func addresses(text: String, redacted: String) {
        #expect(EngineText.redacted(text) == redacted)
    }

    @Test("a text is one line of at most 240 code points")
    func shape() {
        #expect(EngineText.redacted("a\r\n\tb\u{0}c\u{2028}d  ") == "a b c d")
        #expect(EngineText.redacted(String(repeating: "\u{1F680}", count: 500)).unicodeScalars.count == 240)
        #expect(EngineText.redacted("").isEmpty)
    }

    @Test("no secret survives, wherever it stands, and a second pass changes nothing", arguments: 0..<300)
    func property(seed: UInt64) {
        var random = SeededRandom(seed)
        let openings = [
            "Authorization: Bearer ", "authorization:Basic ", "Bearer  ", "access_token=", "id_token=", "Refresh_Token=", "token=",
            "API_KEY=", "cookie=", "Set-Cookie: ", #""token":""#, #"'password': '"#, "https://user:", "https://h/p?x=", "secret=",
        ]
        let fillers = ["", "x", " ", "\n", "é", "\"", "'", "; ", "=", ":", "token", "bearer", "\\", "://", "(", "[redacted]"]
        var text = ""
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            for _ in 0..<Int.random(in: 0...4, using: &random) { text += fillers.randomElement(using: &random) ?? "" }
            let opening = openings.randomElement(using: &random) ?? ""
            text += " " + opening + "s3cretVALUE" + (opening == "https://user:" ? "@host/x" : "") + (Bool.random(using: &random) ? "\"" : " ")
        }
        let once = EngineText.redacted(text)
        #expect(!once.contains("s3cretVALUE"), "seed \(seed): \(text) -> \(once)")
        #expect(EngineText.redacted(once) == once, "seed \(seed): \(text) -> \(once)")
        #expect(PublicDetail.from(text)?.contains("s3cretVALUE") != true, "seed \(seed)")
    }

    @Test(
        "a caller reads neither hosts nor ids nor parts of the engine",
        arguments: [
            ("Timeout calling spin-clouddriver.spinnaker:7002 now", "Timeout calling [host] now"),
            ("Connection to 10.1.2.3:443 refused", "Connection to [host] refused"),
            ("Orca failed in stage Deploy of the pipeline", "delivery system failed in step Deploy of the rollout"),
            ("User ops@example.com is not authorized on arn:aws:iam::123456789012:role/x", "User [user] is not authorized on [resource]"),
            ("Task 01J9ZQ4W2K8X7M5N3P1R6T0V4Y failed", "Task [id] failed"),
            ("Id 3f2504e0-4f89-11d3-9a0c-0305e82c3301: gone", "Id [id]: gone"),
            ("Version 1.4.0 of demo-service-1.4.0.zip is missing", "Version 1.4.0 of demo-service-1.4.0.zip is missing"),
            ("java.net.SocketTimeoutException: Read timed out\n\tat java.net.X.y(X.java:1)\nCaused by: z", "Read timed out"),
            (#"400 Bad Request: {"secret payload": 1}"#, "400 Bad Request"),
            ("Exception in child pipeline stage (a: b): it broke", "it broke"),
            ("see https://inner.example/path for more", "see for more"),
            ("could not read /var/lib/x/y.txt", "could not read [path]"),
        ])
    func publicDetail(text: String, detail: String) {
        #expect(PublicDetail.from(text) == detail)
    }

    @Test("where nothing readable is left there is no detail", arguments: ["", " \n", "{}", "10.0.0.1", "https://h/x", "418", "[redacted]"])
    func nothing(text: String) {
        #expect(PublicDetail.from(text) == nil)
    }
}
