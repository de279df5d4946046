@testable import HTTP
import TestSupport

/// What a request means, as a value to compare.
struct ParsedRequest: Equatable {
    var method: HTTPMethod
    var rawPath: String
    var rawQuery: String?
    var host: String?
    var version: HTTPVersion
    var keepsAlive: Bool
    var expectsContinue: Bool
    var framing: BodyFraming
    var fields: [[String]]
    var byteCount: Int

    init(_ request: Request) {
        method = request.method
        rawPath = request.rawPath
        rawQuery = request.rawQuery
        host = request.host
        version = request.version
        keepsAlive = request.keepsAlive
        expectsContinue = request.head.expectsContinue
        framing = request.head.framing
        fields = request.allHeaders.map { [$0.name, $0.value] }
        byteCount = request.head.byteCount
    }
}

/// Everything a parser made of some bytes.
enum ParseOutcome: Equatable {
    case incomplete
    case request(ParsedRequest, consumed: Int)
    case fault(HTTPFault)
}

/// Parses `bytes`, of which the parser sees first `cuts[0]`, then `cuts[1]`, … and at last all, each time at another
/// address.
func parseHead(_ bytes: [UInt8], cuts: [Int] = [], limits: HTTPLimits = HTTPLimits()) -> ParseOutcome {
    var parser = RequestParser(limits: limits)
    let request = Request()
    do throws(HTTPFault) {
        for cut in cuts + [bytes.count] {
            let visible = Array(bytes[..<cut])
            let consumed = try visible.span.bytes.withUnsafeBytes { (visible: UnsafeRawBufferPointer) throws(HTTPFault) in
                try parser.parse(visible, into: request)
            }
            if let consumed { return .request(ParsedRequest(request), consumed: consumed) }
        }
        return .incomplete
    } catch {
        return .fault(error)
    }
}

func parseHead(_ text: String, limits: HTTPLimits = HTTPLimits()) -> ParseOutcome {
    parseHead(Array(text.utf8), limits: limits)
}

extension ParseOutcome {
    var fault: HTTPFault? { if case .fault(let fault) = self { fault } else { nil } }
    var request: ParsedRequest? { if case .request(let request, _) = self { request } else { nil } }
}

/// A request object for a head that is known to be good.
func makeRequest(_ head: String) throws -> Request {
    var parser = RequestParser()
    let request = Request()
    let bytes = Array(head.utf8)
    let consumed = try bytes.span.bytes.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws(HTTPFault) in
        try parser.parse(bytes, into: request)
    }
    struct Incomplete: Error {}
    guard consumed == bytes.count else { throw Incomplete() }
    return request
}

extension SeededRandom {
    /// Ascending positions in `0...count` at which to cut.
    mutating func cuts(of count: Int) -> [Int] {
        (0..<Int.random(in: 0...8, using: &self)).map { _ in Int.random(in: 0...count, using: &self) }.sorted()
    }

    /// `bytes` in pieces, none empty.
    mutating func pieces(of bytes: [UInt8]) -> [[UInt8]] {
        var bounds = [0] + cuts(of: bytes.count) + [bytes.count]
        if Int.random(in: 0..<10, using: &self) == 0 { bounds = Array(0...bytes.count) }
        return zip(bounds, bounds.dropFirst()).filter { $0 < $1 }.map { Array(bytes[$0..<$1]) }
    }
}

/// A body that hands out pieces it was given, each from memory of its own that is overwritten when the next is asked for.
final class PieceSource: BodySource {
    private var pieces: [[UInt8]]
    private var window: UnsafeMutableRawBufferPointer?
    private let error: BodyError?
    private(set) var pulls = 0

    init(_ pieces: [[UInt8]], thenThrow error: BodyError? = nil) {
        self.pieces = pieces.reversed()
        self.error = error
    }

    deinit { window?.deallocate() }

    func nextPiece() async throws(BodyError) -> UnsafeRawBufferPointer? {
        pulls += 1
        window?.deallocate()
        window = nil
        guard let piece = pieces.popLast() else {
            if let error { throw error }
            return nil
        }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
        copy.copyBytes(from: piece)
        window = copy
        return UnsafeRawBufferPointer(copy)
    }
}
