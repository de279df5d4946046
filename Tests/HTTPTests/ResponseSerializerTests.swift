@testable import HTTP
import Testing

@Suite struct ResponseSerializerTests {
    private func serialize(
        _ response: Response, isHead: Bool = false, version: HTTPVersion = .http11, keepsAlive: Bool = true
    ) -> (text: String, outcome: ResponseSerializer.Outcome) {
        let output = OutputBuffer(capacity: 16)
        let context = ResponseSerializer.Context(isHead: isHead, version: version, keepsAlive: keepsAlive)
        let outcome = ResponseSerializer().write(response, for: context, at: 784_111_777, into: output)
        return (String(decoding: output.readable, as: UTF8.self), outcome)
    }

    private let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

    @Test("a response with a body carries its length")
    func plainResponse() {
        let (text, outcome) = serialize(Response(.created, contentType: "application/json", Array("{}".utf8)))
        #expect(text == "HTTP/1.1 201 Created\r\n\(date)Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        #expect(outcome == .init(keepsAlive: true, needsStream: false, isChunked: false))
    }

    @Test("an empty body has length 0, and 204 and 304 have none")
    func emptyBodies() {
        #expect(serialize(Response(.ok)).text == "HTTP/1.1 200 OK\r\n\(date)Content-Length: 0\r\n\r\n")
        #expect(serialize(Response(.noContent)).text == "HTTP/1.1 204 No Content\r\n\(date)\r\n")
        #expect(serialize(Response(.notModified, text: "x")).text.hasSuffix("charset=utf-8\r\n\r\n"))
        let (text, outcome) = serialize(Response(.noContent, body: .stream(contentLength: nil) { _ in }))
        #expect(text == "HTTP/1.1 204 No Content\r\n\(date)\r\n")
        #expect(outcome == .init(keepsAlive: true, needsStream: false, isChunked: false))
    }

    @Test("HEAD gets the fields of GET and no body")
    func head() {
        let (text, _) = serialize(Response(.ok, text: "four"), isHead: true)
        #expect(text.hasSuffix("Content-Length: 4\r\n\r\n"))
        let streamed = serialize(Response(.ok, body: .stream(contentLength: nil) { _ in }), isHead: true)
        #expect(!streamed.outcome.needsStream && streamed.outcome.keepsAlive)
    }

    @Test("a stream is chunked, or of its declared length, or ends with an HTTP/1.0 connection")
    func streams() {
        let unbounded = Response(.ok, body: .stream(contentLength: nil) { _ in })
        let (text, outcome) = serialize(unbounded)
        #expect(text == "HTTP/1.1 200 OK\r\n\(date)Transfer-Encoding: chunked\r\n\r\n")
        #expect(outcome == .init(keepsAlive: true, needsStream: true, isChunked: true))
        let old = serialize(unbounded, version: .http10)
        #expect(old.text == "HTTP/1.1 200 OK\r\n\(date)Connection: close\r\n\r\n")
        #expect(old.outcome == .init(keepsAlive: false, needsStream: true, isChunked: false))
        let declared = serialize(Response(.ok, body: .stream(contentLength: 9) { _ in }))
        #expect(declared.text.hasSuffix("Content-Length: 9\r\n\r\n"))
        #expect(declared.outcome == .init(keepsAlive: true, needsStream: true, isChunked: false))
    }

    @Test("the connection's end and an HTTP/1.0 connection's life are announced")
    func persistence() {
        #expect(serialize(Response(.ok), keepsAlive: false).text.contains("\r\nConnection: close\r\n"))
        let closing = serialize(Response(.ok, closesConnection: true))
        #expect(closing.text.contains("\r\nConnection: close\r\n") && !closing.outcome.keepsAlive)
        #expect(serialize(Response(.ok), version: .http10).text.contains("\r\nConnection: keep-alive\r\n"))
    }

    @Test("fields that the connection decides are passed over")
    func reservedFields() {
        let fields: HTTPFields = [
            "content-length": "99", "Transfer-Encoding": "gzip", "CONNECTION": "upgrade", "date": "now", "Keep-Alive": "x",
        ]
        #expect(serialize(Response(.ok, fields: fields)).text == "HTTP/1.1 200 OK\r\n\(date)Content-Length: 0\r\n\r\n")
    }

    @Test("no value can end its line", arguments: ["a\r\nSet-Cookie: x", "a\nb", "a\rb", "a\0b"])
    func injection(value: String) {
        let text = serialize(Response(.ok, fields: ["X": value])).text
        #expect(text.split(separator: "\r\n", omittingEmptySubsequences: true).count == 4)
        #expect(!text.utf8.contains(0))
        var fields = HTTPFields()
        #expect(throws: HTTPFieldError.badValue) { try fields.addChecked("X", value) }
        #expect(throws: HTTPFieldError.badName) { try fields.addChecked("X\r\nY", "z") }
        #expect(fields.isEmpty)
    }

    @Test("dates are those of the Gregorian calendar", arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ])
    func dates(seconds: Int, text: String) {
        #expect(HTTPDate.format(seconds) == text)
    }

    @Test("fields are ordered, found in any case, and replaced where they stood")
    func fieldOperations() {
        var fields: HTTPFields = ["A": "1", "B": "2", "a": "3"]
        #expect(fields.all("a") == ["1", "3"])
        fields.set("a", "4")
        #expect(fields.fields.map(\.name) == ["a", "B"])
        fields.remove("b")
        #expect(!fields.contains("B") && fields.first("A") == "4" && fields.count == 1)
    }
}

@Suite struct ResponseWriterTests {
    private final class Sink: ResponseSink {
        var bytes: [UInt8] = []
        var waits = 0
        func append(_ bytes: UnsafeRawBufferPointer) throws(ResponseError) { self.bytes.append(contentsOf: bytes) }
        func waitForRoom() async throws(ResponseError) { waits += 1 }
        func flush() async throws(ResponseError) {}
    }

    @Test("chunks decode to what was written")
    func chunked() async throws {
        let sink = Sink()
        let writer = ResponseWriter(sink: sink, declaredLength: nil, isChunked: true)
        try await writer.write("hello")
        try await writer.write([UInt8]())
        try await writer.write([UInt8](repeating: 7, count: 100_000))
        try writer.finish()
        var decoder = BodyDecoder(.chunked, limits: HTTPLimits())
        var body: [UInt8] = []
        try sink.bytes.withUnsafeBytes { all in
            var input = all
            while let piece = try decoder.decode(&input) { body.append(contentsOf: piece) }
            #expect(input.isEmpty)
        }
        #expect(decoder.isFinished)
        #expect(body == Array("hello".utf8) + [UInt8](repeating: 7, count: 100_000))
        #expect(writer.writtenBytes == 100_005)
        #expect(sink.waits == 3)
    }

    @Test("a declared length is kept to the byte")
    func declaredLength() async throws {
        let sink = Sink()
        let writer = ResponseWriter(sink: sink, declaredLength: 5, isChunked: true)
        try await writer.write("abc")
        #expect(throws: ResponseError.tooFewBytes) { try writer.finish() }
        await #expect(throws: ResponseError.tooManyBytes) { try await writer.write("def") }
        try await writer.write("de")
        try writer.finish()
        #expect(sink.bytes == Array("abcde".utf8))
    }
}

@Suite struct OutputBufferTests {
    @Test("bytes come out in the order they went in, however they are taken")
    func order() {
        let buffer = OutputBuffer(capacity: 8)
        var expected: [UInt8] = []
        var taken: [UInt8] = []
        for round in 0..<500 {
            buffer.append(decimal: round)
            buffer.append(", ")
            buffer.append(hex: round)
            expected += Array("\(round), \(String(round, radix: 16))".utf8)
            let count = min(buffer.count, round % 13)
            taken += buffer.readable.prefix(count)
            buffer.consume(count)
        }
        taken += buffer.readable
        #expect(taken == expected)
        buffer.clear()
        #expect(buffer.isEmpty)
        buffer.append(decimal: Int.max)
        #expect(String(decoding: buffer.readable, as: UTF8.self) == "\(Int.max)")
    }
}
