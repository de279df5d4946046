internal import HTTP

/// A form means the same however its bytes are cut, events come in an order that makes sense, and no byte of a part is
/// lost or made up.
///
/// The first byte of the input chooses the cuts, the second the boundary, the rest is the body.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMultipart(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard size > 2, let data else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: data + 2, count: size - 2))
    let boundary = boundaries[Int(data[1]) % boundaries.count]
    let whole = Form(bytes, boundary, step: bytes.count)
    precondition(whole == Form(bytes, boundary, step: 1), "byte by byte it means something else")
    let step = 2 + Int(data[0])
    precondition(whole == Form(bytes, boundary, step: step), "in steps of \(step) it means something else")
    return 0
}

private let boundaries: [MultipartBoundary] = ["b", "--", "abc", "a b:-'"].compactMap { text in
    do throws(MultipartError) { return try MultipartBoundary(text) } catch { return nil }
}

private let limits: MultipartLimits = {
    var limits = MultipartLimits()
    limits.parts = 3
    limits.partHeaderBytes = 160
    limits.partHeaderCount = 3
    limits.preambleBytes = 8
    limits.epilogueBytes = 8
    limits.paddingBytes = 2
    return limits
}()

private struct Form: Equatable {
    var heads: [MultipartPartHead] = []
    var data: [[UInt8]] = []
    var isInPart = false
    var isFinished = false
    var error: MultipartError?

    init(_ bytes: [UInt8], _ boundary: MultipartBoundary, step: Int) {
        var parser = MultipartParser(boundary, limits: limits)
        do throws(MultipartError) {
            for start in stride(from: 0, to: bytes.count, by: step) {
                // A copy, so that a pointer kept too long is one into freed memory.
                let piece = Array(bytes[start..<min(start + step, bytes.count)])
                try piece.span.bytes.withUnsafeBytes { (piece: UnsafeRawBufferPointer) throws(MultipartError) in
                    var input = piece
                    while let event = try parser.next(&input) { record(event) }
                    precondition(input.isEmpty, "input is left")
                }
            }
            try parser.finish()
            precondition(isFinished && !isInPart, "a form that ended without its end")
        } catch {
            self.error = error
        }
        let delimiter = Array("\r\n--\(boundary.text)".utf8)
        for part in data { precondition(!part.contains(delimiter), "a part that holds the delimiter") }
    }

    private mutating func record(_ event: MultipartEvent) {
        precondition(!isFinished, "an event after the end")
        switch event {
        case .partBegan(let head):
            precondition(!isInPart && !head.name.isEmpty, "a part in a part, or one without a name")
            isInPart = true
            heads.append(head)
            data.append([])
        case .data(let piece):
            precondition(isInPart && !piece.isEmpty, "data outside a part, or none")
            data[data.count - 1].append(contentsOf: piece)
        case .partEnded:
            precondition(isInPart, "an end without a beginning")
            isInPart = false
        case .finished:
            precondition(!isInPart, "an end inside a part")
            isFinished = true
        }
    }
}

extension [UInt8] {
    fileprivate func contains(_ needle: [UInt8]) -> Bool {
        guard needle.count <= count else { return false }
        return (0...(count - needle.count)).contains { self[$0..<($0 + needle.count)].elementsEqual(needle) }
    }
}
