/// What the head of a part says (RFC 7578 §4).
public struct MultipartPartHead: Sendable, Equatable {
    /// Of the form field.
    public let name: String
    /// As sent. A client's claim, never a path to use.
    public let filename: String?
    /// text/plain where there is none (RFC 7578 §4.4).
    public let contentType: MediaType

    public init(name: String, filename: String? = nil, contentType: MediaType = MediaType("text", "plain")) {
        self.name = name
        self.filename = filename
        self.contentType = contentType
    }

    /// Reads field lines, the empty line at their end included.
    init(_ lines: [UInt8], limits: MultipartLimits) throws(MultipartError) {
        var disposition: String?
        var contentType: String?
        var transferEncoding: String?
        var count = 0
        var rest = lines[...]
        while let (name, value) = try Self.nextField(&rest) {
            count += 1
            if count > limits.partHeaderCount { throw .tooManyPartFields(limit: limits.partHeaderCount) }
            switch name {
            case "content-disposition": try Self.once(&disposition, value, name)
            case "content-type": try Self.once(&contentType, value, name)
            case "content-transfer-encoding": try Self.once(&transferEncoding, value, name)
            default: break  // RFC 7578 §4.8: others are ignored
            }
        }
        if let transferEncoding, !["7bit", "8bit", "binary"].contains(transferEncoding.asciiLowercased) {
            throw .unsupportedTransferEncoding
        }
        guard let disposition else { throw .badContentDisposition("It is missing.") }
        (name, filename) = try Self.parse(disposition)
        if let contentType {
            guard let type = MediaType(parsing: contentType) else { throw .badPartContentType }
            self.contentType = type
        } else {
            self.contentType = MediaType("text", "plain")
        }
    }

    // MARK: Helpers

    /// Splits off one line; nil at the empty one.
    private static func nextField(
        _ rest: inout ArraySlice<UInt8>
    ) throws(MultipartError) -> (name: String, value: String)? {
        guard let end = rest.firstIndex(of: 0x0D), end + 1 < rest.endIndex, rest[end + 1] == 0x0A else {
            throw .malformedPartField("A line does not end with CRLF.")
        }
        let line = rest[rest.startIndex..<end]
        rest = rest[(end + 2)...]
        if line.isEmpty { return nil }
        guard let colon = line.firstIndex(of: 0x3A), colon > line.startIndex,
            line[..<colon].allSatisfy({ ByteClass.isToken($0) })
        else { throw .malformedPartField("It has no name and colon.") }
        guard line.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }) else {
            throw .malformedPartField("It holds a control character.")
        }
        var value = line[(colon + 1)...]
        while let first = value.first, ByteScan.isBlank(first) { value.removeFirst() }
        while let last = value.last, ByteScan.isBlank(last) { value.removeLast() }
        guard let text = String(validating: value, as: UTF8.self) else { throw .malformedPartField("It is not UTF-8.") }
        return (String(decoding: line[..<colon], as: UTF8.self).asciiLowercased, text)
    }

    private static func once(_ slot: inout String?, _ value: String, _ name: String) throws(MultipartError) {
        guard slot == nil else { throw .repeatedPartField(name) }
        slot = value
    }

    private static func parse(_ disposition: String) throws(MultipartError) -> (name: String, filename: String?) {
        var scanner = FieldScanner(disposition)
        guard let type = scanner.token() else { throw .badContentDisposition("It has no type.") }
        guard type.asciiLowercased == "form-data" else { throw .badContentDisposition("It is not form-data.") }
        guard let parameters = scanner.parameters() else {
            throw .badContentDisposition("Its parameters are malformed or repeated.")
        }
        var name: String?
        var filename: String?
        for parameter in parameters {
            switch parameter.name {
            case "name": name = parameter.value
            case "filename": filename = parameter.value
            case "name*", "filename*": throw .extendedFilename
            default: break
            }
        }
        guard let name, !name.isEmpty else { throw .missingName }
        return (name, filename)
    }
}
