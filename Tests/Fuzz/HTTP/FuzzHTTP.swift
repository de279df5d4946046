internal import HTTP

/// A connection's bytes mean the same however they are cut: heads, bodies, faults, and where each ends. What was
/// accepted keeps the promises that the rest of the listener relies on.
///
/// The first two bytes of the input choose the cuts, the rest is the stream.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard size > 2, let data else { return 0 }
    let bytes = UnsafeRawBufferPointer(start: data + 2, count: size - 2)
    let whole = Transcript(bytes, step: bytes.count)
    precondition(whole == Transcript(bytes, step: 1), "byte by byte it means something else")
    let step = 2 + Int(data[0]) + Int(data[1]) % 7 * 61
    precondition(whole == Transcript(bytes, step: step), "in steps of \(step) it means something else")
    return 0
}

private let limits: HTTPLimits = {
    var limits = HTTPLimits()
    limits.requestLineBytes = 256
    limits.headerBytes = 1024
    limits.headerCount = 12
    limits.chunkLineBytes = 40
    limits.chunkExtensionBytes = 100
    limits.trailerBytes = 100
    limits.trailerCount = 4
    return limits
}()

private let router: Router<Int> = {
    let routes: [Router<Int>.Route] = [
        .init(.get, "/", 0), .init(.get, "/a", 1), .init(.post, "/a/{x}", 2), .init(.get, "/a/{x}/b/{y}", 3),
        .init(.put, "/a/b/{z}", 4),
    ]
    do throws(RouterError) { return try Router(routes) } catch { preconditionFailure("\(error)") }
}()

/// What a connection would make of a stream of bytes that arrives in steps.
private struct Transcript: Equatable {
    enum Entry: Equatable {
        case head(String)
        case fault(HTTPFault)
        case body([UInt8])
        case bodyError(BodyError)
        case left(Int)
    }

    var entries: [Entry] = []

    init(_ bytes: UnsafeRawBufferPointer, step: Int) {
        var parser = RequestParser(limits: limits)
        let request = Request()
        var body: BodyDecoder?
        var collected: [UInt8] = []
        var start = 0
        var visible = min(step, bytes.count)
        while true {
            let outcome = Self.advance(.init(rebasing: bytes[start..<visible]), &parser, request, &body, &collected)
            start += outcome.consumed
            precondition(start <= visible, "more was consumed than was there")
            entries += outcome.entries
            if outcome.isOver { return }
            if outcome.consumed > 0 || !outcome.entries.isEmpty { continue }
            if visible == bytes.count { break }
            visible = min(visible + step, bytes.count)
        }
        entries.append(.body(collected))
        entries.append(.left(body == nil ? bytes.count - start : 0))
    }

    /// One step: a head, or some of a body.
    private static func advance(
        _ window: UnsafeRawBufferPointer, _ parser: inout RequestParser, _ request: Request, _ body: inout BodyDecoder?,
        _ collected: inout [UInt8]
    ) -> (consumed: Int, entries: [Entry], isOver: Bool) {
        if var decoder = body {
            var input = window
            do throws(BodyError) {
                while let piece = try decoder.decode(&input) {
                    precondition(!piece.isEmpty, "an empty piece")
                    collected.append(contentsOf: piece)
                }
            } catch {
                return (0, [.body(collected), .bodyError(error)], true)
            }
            body = decoder
            guard decoder.isFinished else {
                precondition(input.isEmpty, "input is left in the middle of a body")
                return (window.count, [], false)
            }
            body = nil
            defer { collected = [] }
            return (window.count - input.count, [.body(collected)], false)
        }
        do throws(HTTPFault) {
            guard let consumed = try parser.parse(window, into: request) else { return (0, [], false) }
            body = BodyDecoder(request.head.framing, limits: limits)
            return (consumed, [.head(describe(request))], false)
        } catch {
            precondition((400...505).contains(error.status.code), "a fault that is no error")
            return (0, [.fault(error)], true)
        }
    }

    private static func describe(_ request: Request) -> String {
        let path = request.path
        precondition(path.utf8.first == 0x2F || path == "*", "a path without its slash")
        precondition(!path.utf8.contains(0), "a path with NUL")
        precondition(!"\(path)/".contains("/../"), "a path that climbs")
        for (name, value) in request.allHeaders {
            precondition(!name.isEmpty && !(name + value).utf8.contains { $0 == 13 || $0 == 10 || $0 == 0 }, "a bad field")
        }
        var query = "-"
        do throws(QueryError) { query = "\(try request.query.all)" } catch { query = "\(error)" }
        let match = router.match(request)
        precondition(request.parameters["x"]?.utf8.contains(0x2F) != true, "a parameter with a slash")
        let type = request.header("content-type").map { "\(String(describing: MediaType(parsing: $0)))" } ?? "-"
        return "\(request.method) \(request.rawPath) \(query) \(request.host ?? "-") \(request.head) \(request.allHeaders)"
            + " \(match) \(request.parameters) \(type)"
    }
}
