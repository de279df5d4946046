@testable import HTTP
import TestSupport
import Testing

@Suite struct MultipartPropertyTests {
    @Test("a form comes out as it went in, however its bytes are cut", arguments: 0..<200 as Range<UInt64>)
    func cutsDoNotMatter(seed: UInt64) {
        var random = SeededRandom(seed)
        let (form, bytes, boundary) = random.form()
        for _ in 0..<10 {
            #expect(ParsedForm(random.pieces(of: bytes), boundary: boundary) == form, "seed \(seed)")
        }
        #expect(ParsedForm(bytes.map { [$0] }, boundary: boundary) == form, "seed \(seed)")
    }

    @Test("a damaged form is judged alike however its bytes are cut", arguments: 0..<300 as Range<UInt64>)
    func damage(seed: UInt64) {
        var random = SeededRandom(seed)
        var (_, bytes, boundary) = random.form()
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let position = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.insert(Array("\r\n-: \t".utf8).randomElement(using: &random) ?? 0, at: position)
            default: if bytes.count > 1 { bytes.remove(at: position) }
            }
        }
        let whole = ParsedForm([bytes], boundary: boundary)
        for _ in 0..<10 {
            #expect(ParsedForm(random.pieces(of: bytes), boundary: boundary) == whole, "seed \(seed)")
        }
    }

    @Test("a form cut off anywhere before its last delimiter is refused", arguments: 0..<20 as Range<UInt64>)
    func truncation(seed: UInt64) {
        var random = SeededRandom(seed)
        let (_, bytes, boundary) = random.form(epilogue: false)
        for count in 0..<bytes.count {
            let form = ParsedForm([Array(bytes[..<count])], boundary: boundary)
            #expect(form.error == .missingFinalDelimiter, "seed \(seed), \(count) bytes")
        }
    }

    @Test("the order of parts does not change what each holds", arguments: 0..<50 as Range<UInt64>)
    func order(seed: UInt64) {
        var random = SeededRandom(seed)
        let (form, _, boundary) = random.form()
        let shuffled = form.parts.shuffled(using: &random)
        let bytes = random.encode(shuffled, boundary: boundary, epilogue: true)
        #expect(ParsedForm([bytes], boundary: boundary).parts == shuffled, "seed \(seed)")
    }
}

extension SeededRandom {
    /// A form, its bytes and its boundary. Data is full of what almost is the delimiter.
    mutating func form(epilogue: Bool = true) -> (ParsedForm, [UInt8], String) {
        let boundary = pick(["b", "--", "-", "WebKitFormBoundary7MA4YWxk", "a b", String(repeating: "x", count: 70)])
        let parts = (0..<Int.random(in: 0...4, using: &self)).map { index in
            ParsedForm.Part(
                head: MultipartPartHead(
                    name: "part \(index)", filename: Bool.random(using: &self) ? "f\(index)" : nil,
                    contentType: MediaType("application", "octet-stream")),
                data: data(avoiding: boundary))
        }
        return (ParsedForm(parts: parts, isFinished: true), encode(parts, boundary: boundary, epilogue: epilogue), boundary)
    }

    mutating func encode(_ parts: [ParsedForm.Part], boundary: String, epilogue: Bool) -> [UInt8] {
        var bytes = Array(pick(["", "\r\n", "preamble\r\n"]).utf8)
        for part in parts {
            bytes += Array("--\(boundary)\(pick(["", " ", "\t "]))\r\n".utf8)
            bytes += Array("Content-Disposition: form-data; name=\"\(part.head.name)\"".utf8)
            if let filename = part.head.filename { bytes += Array("; filename=\"\(filename)\"".utf8) }
            bytes += Array("\r\nContent-Type: application/octet-stream\r\n\r\n".utf8) + part.data + [13, 10]
        }
        bytes += Array("--\(boundary)--".utf8)
        return epilogue ? bytes + Array(pick(["", "\r\n", " \r\n", "\r\nepilogue"]).utf8) : bytes
    }

    private mutating func data(avoiding boundary: String) -> [UInt8] {
        var data: [UInt8] = []
        let delimiter = Array("\r\n--\(boundary)".utf8)
        for _ in 0..<Int.random(in: 0...12, using: &self) {
            switch Int.random(in: 0..<4, using: &self) {
            case 0: data += delimiter.prefix(Int.random(in: 0..<delimiter.count, using: &self))
            case 1: data += [13, 13, 10, 13]
            case 2: data.append(UInt8.random(in: 0...255, using: &self))
            default: data += (0..<Int.random(in: 1...30, using: &self)).map { _ in UInt8.random(in: 0...255, using: &self) }
            }
        }
        // What joined up to a whole delimiter by chance is broken up again.
        while let position = (data + [13, 10]).firstRange(of: delimiter)?.lowerBound {
            data[min(position + 2, data.count - 1)] = 0x5F
        }
        return data
    }
}
