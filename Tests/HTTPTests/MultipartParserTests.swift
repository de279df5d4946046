@testable import HTTP
import TestSupport
import Testing

/// A form as a value: what a parser made of a body.
struct ParsedForm: Equatable {
    struct Part: Equatable {
        var head: MultipartPartHead
        var data: [UInt8]
    }

    var parts: [Part] = []
    var openPart: Part?
    var isFinished = false
    var error: MultipartError?

    init(parts: [Part] = [], openPart: Part? = nil, isFinished: Bool = false, error: MultipartError? = nil) {
        self.parts = parts
        self.openPart = openPart
        self.isFinished = isFinished
        self.error = error
    }

    /// Feeds `pieces` to a parser, each from memory of its own, and checks that events come in an order that makes sense.
    init(_ pieces: [[UInt8]], boundary: String, limits: MultipartLimits = MultipartLimits()) {
        do throws(MultipartError) {
            var parser = MultipartParser(try MultipartBoundary(boundary), limits: limits)
            for piece in pieces {
                try piece.span.bytes.withUnsafeBytes { (piece: UnsafeRawBufferPointer) throws(MultipartError) in
                    var input = piece
                    while let event = try parser.next(&input) { record(event) }
                    #expect(input.isEmpty)
                }
            }
            try parser.finish()
            #expect(isFinished)
        } catch {
            self.error = error
        }
    }

    private mutating func record(_ event: MultipartEvent) {
        #expect(!isFinished)
        switch event {
        case .partBegan(let head):
            #expect(openPart == nil)
            openPart = Part(head: head, data: [])
        case .data(let piece):
            #expect(!piece.isEmpty && openPart != nil)
            openPart?.data.append(contentsOf: piece)
        case .partEnded:
            #expect(openPart != nil)
            if let openPart { parts.append(openPart) }
            openPart = nil
        case .finished:
            #expect(openPart == nil)
            isFinished = true
        }
    }
}

@Suite struct MultipartParserTests {
    private func parse(_ text: String, limits: MultipartLimits = MultipartLimits()) -> ParsedForm {
        ParsedForm([Array(text.utf8)], boundary: "b", limits: limits)
    }

    private func part(_ name: String, _ data: String, filename: String? = nil) -> ParsedForm.Part {
        .init(head: MultipartPartHead(name: name, filename: filename), data: Array(data.utf8))
    }

    private let field = "Content-Disposition: form-data; name=\"a\"\r\n\r\n"

    @Test("parts come out in order, whatever else the grammar allows around them")
    func goodForms() {
        let expected = ParsedForm(parts: [part("a", "1"), part("a", "\r\n2\r\n--\r\n")], isFinished: true)
        let first = "--b\r\n\(field)1"
        let second = "\r\n--b\r\n\(field)\r\n2\r\n--\r\n"
        #expect(parse("\(first)\(second)\r\n--b--\r\n") == expected)
        #expect(parse("\(first)\(second)\r\n--b--") == expected)
        #expect(parse("\r\n\(first)\(second)\r\n--b--") == expected)
        #expect(parse("preamble --b\r\n\r\n\(first)\(second)\r\n--b-- \t\r\nepilogue\r\n--b\r\n") == expected)
        #expect(parse("preamble\r\n--b \t \r\n\(field)1\r\n--b\t\r\n\(field)\r\n2\r\n--\r\n\r\n--b--") == expected)
        #expect(parse("--b--") == ParsedForm(isFinished: true))
        #expect(parse("--b\r\n\(field)\r\n--b--").parts == [part("a", "")])
    }

    @Test("a head is read by the rules of RFC 7578", arguments: [
        ("content-disposition:form-data;name=a", MultipartPartHead(name: "a")),
        ("Content-Disposition: Form-Data; NAME=\"a b\"; FileName=\"x\\\"y.gz\"", .init(name: "a b", filename: "x\"y.gz")),
        ("Content-Disposition: form-data; name=\"é\"; filename=\"\"", .init(name: "é", filename: "")),
        (
            "X-Other: 1\r\nContent-Type: application/gzip; v=1\r\nContent-Disposition: form-data; name=a; other=b",
            .init(name: "a", contentType: MediaType("application", "gzip", parameters: [.init(name: "v", value: "1")]))
        ),
        ("Content-Transfer-Encoding: BINARY\r\nContent-Disposition: form-data; name=a", .init(name: "a")),
        ("Content-Disposition: form-data; name=a\r\nX:\r\nX: again", .init(name: "a")),
    ])
    func goodHeads(lines: String, head: MultipartPartHead) {
        #expect(parse("--b\r\n\(lines)\r\n\r\nx\r\n--b--").parts == [.init(head: head, data: Array("x".utf8))])
    }

    @Test("a malformed head is refused", arguments: [
        ("", MultipartError.badContentDisposition("It is missing.")),
        ("Content-Type: text/plain", .badContentDisposition("It is missing.")),
        ("Content-Disposition: attachment; name=a", .badContentDisposition("It is not form-data.")),
        ("Content-Disposition:", .badContentDisposition("It has no type.")),
        ("Content-Disposition: form-data; name", .badContentDisposition("Its parameters are malformed or repeated.")),
        ("Content-Disposition: form-data; name=\"a", .badContentDisposition("Its parameters are malformed or repeated.")),
        ("Content-Disposition: form-data; name=a; name=b", .badContentDisposition("Its parameters are malformed or repeated.")),
        ("Content-Disposition: form-data", .missingName), ("Content-Disposition: form-data; name=\"\"", .missingName),
        ("Content-Disposition: form-data; name=a; filename*=UTF-8''x", .extendedFilename),
        ("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b", .repeatedPartField("content-disposition")),
        ("Content-Disposition: form-data; name=a\r\nContent-Type: a/b\r\ncontent-type: a/b", .repeatedPartField("content-type")),
        ("Content-Disposition: form-data; name=a\r\nContent-Type: text", .badPartContentType),
        ("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64", .unsupportedTransferEncoding),
        ("no colon", .malformedPartField("It has no name and colon.")),
        (": x", .malformedPartField("It has no name and colon.")),
        ("A : x", .malformedPartField("It has no name and colon.")),
        ("A: x\r\n folded", .malformedPartField("It has no name and colon.")),
        ("A: x\ny", .malformedPartField("It holds a control character.")),
        ("A: \u{0}", .malformedPartField("It holds a control character.")),
        ("A: x\ry", .malformedPartField("A line does not end with CRLF.")),
    ])
    func badHeads(lines: String, error: MultipartError) {
        let head = lines.isEmpty ? "\r\n" : "\(lines)\r\n\r\n"
        #expect(parse("--b\r\n\(head)x\r\n--b--").error == error)
    }

    @Test("a malformed body is refused", arguments: [
        ("", MultipartError.missingFinalDelimiter), ("nothing", .missingFinalDelimiter), ("--", .missingFinalDelimiter),
        ("--b", .missingFinalDelimiter), ("--b-", .missingFinalDelimiter), ("--b\r\n", .missingFinalDelimiter),
        ("--b\r\n{}1", .missingFinalDelimiter), ("--b\r\n{}1\r\n--b", .missingFinalDelimiter),
        ("--b\r\n{}1\r\n--b\r\n", .missingFinalDelimiter), ("--b\r\n{}1\n--b--", .missingFinalDelimiter),
        ("--b\r\n{}1\r\n--b--\r", .missingFinalDelimiter), ("x--b--", .missingFinalDelimiter),
        ("--bx\r\n{}", .malformedDelimiter), ("--b\n{}", .malformedDelimiter), ("--b\rx", .malformedDelimiter),
        ("--b-x", .malformedDelimiter), ("--b--x", .malformedDelimiter), ("--b--\rx", .malformedDelimiter),
        ("--b\r\n{}1\r\n--bc\r\n", .malformedDelimiter), ("--b \r\n{}1\r\n--b -\r\n", .malformedDelimiter),
    ])
    func badBodies(text: String, error: MultipartError) {
        let text = text.split(separator: "{}", omittingEmptySubsequences: false).joined(separator: field)
        #expect(parse(text).error == error)
        #expect(ParsedForm(Array(text.utf8).map { [$0] }, boundary: "b").error == error)
    }

    @Test("limits hold to the byte")
    func limits() {
        var limits = MultipartLimits()
        limits.parts = 2
        limits.partHeaderBytes = 128
        limits.partHeaderCount = 2
        limits.preambleBytes = 10
        limits.epilogueBytes = 10
        limits.paddingBytes = 3
        func error(_ text: String) -> MultipartError? { parse(text, limits: limits).error }
        let one = "--b\r\n\(field)1\r\n"
        #expect(error("\(one)\(one)--b--") == nil)
        #expect(error("\(one)\(one)\(one)--b--") == .tooManyParts(limit: 2))
        #expect(error("0123456789\r\n--b--") == nil)
        #expect(error("0123456789a\r\n--b--") == .preambleTooLong)
        #expect(error("--a4567890\r\n--b--") == nil)
        #expect(error("--b--\r\n0123456789") == nil)
        #expect(error("--b--\r\n0123456789a") == .epilogueTooLong)
        #expect(error("--b   \r\n\(field)\r\n--b--   ") == nil)
        #expect(error("--b    \r\n\(field)\r\n--b--") == .malformedDelimiter)
        #expect(error("--b--    ") == .malformedDelimiter)
        let disposition = "Content-Disposition: form-data; name=a\r\n"
        let filler = String(repeating: "x", count: 128 - disposition.utf8.count - 7)
        #expect(error("--b\r\n\(disposition)A: \(filler)\r\n\r\n\r\n--b--") == nil)
        #expect(error("--b\r\n\(disposition)A: \(filler)x\r\n\r\n\r\n--b--") == .partHeaderTooLarge(limit: 128))
        #expect(error("--b\r\n\(disposition)A:\r\nB:\r\n\r\n\r\n--b--") == .tooManyPartFields(limit: 2))
    }

    @Test("boundaries are those of RFC 2046")
    func boundaries() throws {
        func boundary(_ contentType: String?) throws -> String { try MultipartBoundary(contentType: contentType).text }
        #expect(try boundary("multipart/form-data; boundary=abc") == "abc")
        #expect(try boundary("Multipart/Form-Data; charset=utf-8; Boundary=\"a b:c\"") == "a b:c")
        #expect(try boundary("multipart/form-data; boundary=\(String(repeating: "a", count: 70))").count == 70)
        for bad in [nil, "", "text/plain", "multipart/mixed; boundary=a", "multipart/form-data; boundary=a; boundary=b", "x"] {
            #expect(throws: MultipartError.notMultipart) { try boundary(bad) }
        }
        for bad in ["", "; boundary=\"\"", "; boundary=\"a \"", "; boundary=\"a<b\"", "; boundary=\"é\""] {
            #expect(throws: MultipartError.badBoundary) { try boundary("multipart/form-data\(bad)") }
        }
        let long = String(repeating: "a", count: 71)
        #expect(throws: MultipartError.badBoundary) { try boundary("multipart/form-data; boundary=\(long)") }
    }
}
