@testable import HTTP
import Testing

@Suite struct RequestBodyTests {
    @Test("a body is handed out in order and collected within a limit")
    func collecting() async throws {
        let body = RequestBody()
        let source = PieceSource([Array("ab".utf8), Array("cd".utf8), Array("e".utf8)])
        body.attach(source, declaredLength: nil)
        #expect(try await body.next().map(Array.init) == Array("ab".utf8))
        #expect(try await body.collect(upTo: 3) == Array("cde".utf8))
        #expect(body.isFinished)
        #expect(body.receivedBytes == 5)
        #expect(try await body.next() == nil)
    }

    @Test("a body larger than the limit is refused, by its declaration before anything is read")
    func tooLarge() async {
        let body = RequestBody()
        let source = PieceSource([Array("abcd".utf8)])
        body.attach(source, declaredLength: 4)
        await #expect(throws: BodyError.tooLarge(limit: 3)) { try await body.collect(upTo: 3) }
        body.byteLimit = 3
        await #expect(throws: BodyError.tooLarge(limit: 3)) { _ = try await body.next() }
        #expect(source.pulls == 0)
        body.attach(source, declaredLength: nil)
        await #expect(throws: BodyError.tooLarge(limit: 3)) { try await body.collect(upTo: 3) }
        body.attach(PieceSource([[1], [2], [3]]), declaredLength: nil)
        body.byteLimit = 2
        await #expect(throws: BodyError.tooLarge(limit: 2)) {
            while try await body.next() != nil {}
        }
    }

    @Test("no source is asked for a body that is not there, or after the request is over")
    func absentBody() async throws {
        let body = RequestBody()
        let source = PieceSource([])
        body.attach(source, declaredLength: 0)
        #expect(body.isEmpty)
        #expect(try await body.collect(upTo: 10) == [])
        #expect(source.pulls == 0)
        body.attach(source, declaredLength: 7)
        body.detach()
        await #expect(throws: BodyError.closed) { _ = try await body.next() }
    }
}
