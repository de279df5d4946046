import Crypto
public import Encoding

/// AWS Signature Version 4 ("Authenticating Requests: AWS Signature Version 4", Amazon S3 API reference). Pure.
public struct SigV4: Sendable {
    public let credentials: S3Credentials
    public let region: String
    public let service: String

    /// The payload hash that stands for "not signed"; only sound over TLS.
    public static let unsignedPayload = "UNSIGNED-PAYLOAD"
    /// Longest life of a presigned URL, in seconds.
    public static let presignedSecondsMax = 604_800

    public init(credentials: S3Credentials, region: String, service: String = "s3") {
        self.credentials = credentials
        self.region = region
        self.service = service
    }

    /// A request as far as its signature goes.
    public struct Request: Sendable {
        public var method: String
        /// Not encoded; S3 encodes each byte once.
        public var path: String
        /// Neither names nor values encoded.
        public var query: [(String, String)]
        /// All of them are signed. `host` must be among them.
        public var headers: [(String, String)]

        public init(method: String, path: String, query: [(String, String)] = [], headers: [(String, String)]) {
            self.method = method
            self.path = path
            self.query = query
            self.headers = headers
        }
    }

    /// The value of `Authorization`. `x-amz-date` and `x-amz-content-sha256` belong into the request's headers beforehand.
    ///
    /// - Parameter payloadHash: SHA-256 of the body in hexadecimal digits, or ``unsignedPayload``.
    public func authorization(for request: Request, payloadHash: String, at time: Timestamp) -> String {
        let names = SigV4.signedHeaders(request.headers)
        let signature = signature(of: SigV4.canonical(request, payloadHash: payloadHash), at: time)
        return "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope(time)),SignedHeaders=\(names),Signature=\(signature)"
    }

    /// Path and query of a URL that carries its own signature and is good for `seconds` from `time` on.
    ///
    /// The headers of the request (beyond `host`) must be sent by whoever uses the URL, with exactly these values.
    public func presignedTarget(for request: Request, seconds: Int, at time: Timestamp) -> String {
        precondition((1...SigV4.presignedSecondsMax).contains(seconds), "a presigned URL lives 1 s to 7 days")
        var request = request
        request.query += [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", "\(credentials.accessKeyID)/\(scope(time))"),
            ("X-Amz-Date", SigV4.stamp(time)),
            ("X-Amz-Expires", "\(seconds)"),
            ("X-Amz-SignedHeaders", SigV4.signedHeaders(request.headers)),
        ]
        let signature = signature(of: SigV4.canonical(request, payloadHash: SigV4.unsignedPayload), at: time)
        return SigV4.encodedPath(request.path) + "?" + SigV4.canonicalQuery(request.query) + "&X-Amz-Signature=\(signature)"
    }

    /// `20130524T000000Z`
    public static func stamp(_ time: Timestamp) -> String {
        String(time.formatted(.seconds).unicodeScalars.filter { $0 != "-" && $0 != ":" }.map(Character.init))
    }

    /// Percent-encodes every byte but the unreserved ones (RFC 3986 §2.3) and the slash.
    public static func encodedPath(_ path: String) -> String { encode(path, keeping: UInt8(ascii: "/")) }

    // MARK: Steps

    /// Step 1, the canonical request.
    static func canonical(_ request: Request, payloadHash: String) -> String {
        let lines = canonicalHeaders(request.headers).map { "\($0):\($1)\n" }.joined()
        return [
            request.method, encodedPath(request.path), canonicalQuery(request.query), lines,
            signedHeaders(request.headers), payloadHash,
        ].joined(separator: "\n")
    }

    /// Steps 2 to 4, the string to sign, the day's key and the signature.
    private func signature(of canonical: String, at time: Timestamp) -> String {
        let text = "AWS4-HMAC-SHA256\n\(SigV4.stamp(time))\n\(scope(time))\n\(SHA256.hash(canonical).hex)"
        var key = Array("AWS4\(credentials.secretAccessKey)".utf8)
        for part in [SigV4.day(time), region, service, "aws4_request"] {
            key = HMACSHA256.authenticate(Array(part.utf8), key: key).bytes
        }
        return HMACSHA256.authenticate(Array(text.utf8), key: key).hex
    }

    private func scope(_ time: Timestamp) -> String { "\(SigV4.day(time))/\(region)/\(service)/aws4_request" }

    private static func day(_ time: Timestamp) -> String { String(stamp(time).prefix(8)) }

    private static func signedHeaders(_ headers: [(String, String)]) -> String {
        canonicalHeaders(headers).map(\.0).joined(separator: ";")
    }

    /// Lower-case names in order of their bytes; repeated ones joined in order of appearance; runs of blanks made one.
    private static func canonicalHeaders(_ headers: [(String, String)]) -> [(String, String)] {
        var values: [String: [String]] = [:]
        for (name, value) in headers {
            values[name.lowercased(), default: []].append(
                value.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " "))
        }
        return values.map { ($0.key, $0.value.joined(separator: ",")) }.sorted { bytesAscend($0.0, $1.0) }
    }

    static func canonicalQuery(_ query: [(String, String)]) -> String {
        query.map { (encode($0.0), encode($0.1)) }
            .sorted { $0.0 == $1.0 ? bytesAscend($0.1, $1.1) : bytesAscend($0.0, $1.0) }
            .map { "\($0)=\($1)" }.joined(separator: "&")
    }

    private static func bytesAscend(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    private static func encode(_ text: String, keeping kept: UInt8? = nil) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            case kept: bytes.append(byte)
            default:
                bytes.append(UInt8(ascii: "%"))
                bytes.append(upperDigit(byte >> 4))
                bytes.append(upperDigit(byte & 15))
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func upperDigit(_ value: UInt8) -> UInt8 { value < 10 ? 48 &+ value : 55 &+ value }
}
