/// One part of a multipart/form-data body.
struct FormPart: Sendable {
    var name: String
    var filename: String?
    var contentType: String?
    var content: [UInt8]

    init(name: String, filename: String? = nil, contentType: String? = nil, content: [UInt8]) {
        self.name = name
        self.filename = filename
        self.contentType = contentType
        self.content = content
    }

    init(_ name: String, filename: String? = nil, contentType: String? = nil, _ text: String) {
        self.init(name: name, filename: filename, contentType: contentType, content: Array(text.utf8))
    }
}

/// A multipart/form-data body as a client sends it (RFC 7578).
struct FormBody: Sendable {
    static let boundary = "----trivet-test-4f1c0d5e8a"

    let bytes: [UInt8]
    let contentType = "multipart/form-data; boundary=\(FormBody.boundary)"

    init(_ parts: [FormPart]) {
        var bytes: [UInt8] = []
        for part in parts {
            var head = "--\(FormBody.boundary)\r\nContent-Disposition: form-data; name=\"\(part.name)\""
            if let filename = part.filename { head += "; filename=\"\(filename)\"" }
            if let type = part.contentType { head += "\r\nContent-Type: \(type)" }
            bytes += Array((head + "\r\n\r\n").utf8) + part.content + [13, 10]
        }
        self.bytes = bytes + Array("--\(FormBody.boundary)--\r\n".utf8)
    }
}
