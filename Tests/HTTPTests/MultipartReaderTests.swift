@testable import HTTP
import TestSupport
import Testing

@Suite struct MultipartReaderTests {
    private func reader(_ text: String, by size: Int, thenThrow error: BodyError? = nil) throws -> MultipartReader {
        let bytes = Array(text.utf8)
        let pieces = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
        let body = RequestBody()
        body.attach(PieceSource(pieces, thenThrow: error), declaredLength: nil)
        return MultipartReader(body, boundary: try MultipartBoundary("b"))
    }

    private let form = "--b\r\nContent-Disposition: form-data; name=\"one\"\r\n\r\nfirst part\r\n"
        + "--b\r\nContent-Disposition: form-data; name=\"two\"; filename=\"f\"\r\nContent-Type: a/b\r\n\r\nsecond\r\npart\r\n--b--\r\n"

    @Test("parts are handed out as they arrive", arguments: [1, 2, 7, 64, 10_000])
    func reading(size: Int) async throws {
        let reader = try reader(form, by: size)
        let one = try #require(try await reader.nextPart())
        #expect(one.name == "one" && one.filename == nil && one.contentType.essence == "text/plain")
        #expect(try await one.collect(upTo: 10) == Array("first part".utf8))
        #expect(try await one.next() == nil)
        let two = try #require(try await reader.nextPart())
        #expect(two.name == "two" && two.filename == "f" && two.contentType.essence == "a/b")
        #expect(try await two.collect(upTo: 100) == Array("second\r\npart".utf8))
        #expect(try await reader.nextPart() == nil)
        #expect(try await reader.nextPart() == nil)
    }

    @Test("a part that nobody reads is drained, and cannot be read afterwards", arguments: [1, 5, 10_000])
    func skipping(size: Int) async throws {
        let reader = try reader(form, by: size)
        let one = try #require(try await reader.nextPart())
        _ = try await one.next()
        let two = try #require(try await reader.nextPart())
        #expect(two.name == "two")
        await #expect(throws: MultipartError.partIsOver) { _ = try await one.next() }
        #expect(try await reader.nextPart() == nil)
        await #expect(throws: MultipartError.partIsOver) { _ = try await two.next() }
    }

    @Test("a part larger than asked for is refused")
    func partTooLarge() async throws {
        let reader = try reader(form, by: 3)
        let one = try #require(try await reader.nextPart())
        await #expect(throws: MultipartError.partTooLarge(name: "one", limit: 9)) { try await one.collect(upTo: 9) }
    }

    @Test("a body that breaks off never looks like a part that ended", arguments: [1, 4, 1000])
    func brokenBody(size: Int) async throws {
        let half = String(form.prefix(60))
        let cut = try reader(half, by: size)
        let part = try #require(try await cut.nextPart())
        await #expect(throws: MultipartError.missingFinalDelimiter) { try await part.collect(upTo: 100) }
        await #expect(throws: MultipartError.missingFinalDelimiter) { _ = try await part.next() }
        await #expect(throws: MultipartError.missingFinalDelimiter) { _ = try await cut.nextPart() }
        let stalled = try reader(half, by: size, thenThrow: .stalled)
        _ = try await stalled.nextPart()
        await #expect(throws: MultipartError.body(.stalled)) { _ = try await stalled.nextPart() }
    }

    @Test("only multipart/form-data is read")
    func contentType() throws {
        let request = try makeRequest("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n\r\n")
        #expect(throws: MultipartError.notMultipart) { try MultipartReader(request) }
        let twice = "Content-Type: multipart/form-data; boundary=a\r\n"
        let repeated = try makeRequest("POST / HTTP/1.1\r\nHost: h\r\n\(twice)\(twice)\r\n")
        #expect(throws: MultipartError.notMultipart) { try MultipartReader(repeated) }
    }
}
