public import Outbound

/// Which store is spoken to, and how. The endpoint alone decides the host; a location never does.
public struct S3Configuration: Sendable, CustomStringConvertible {
    public let endpoint: OutboundURL
    public let region: String
    public let credentials: S3Credentials
    /// nil allows every bucket.
    public let buckets: Set<String>?
    /// PEM file of the authorities to trust in place of the system's.
    public var authorityFile: String?
    public var connectTimeout: Duration = .seconds(2)
    /// Longest silence.
    public var stallTimeout: Duration = .seconds(15)
    /// One object from first to last byte.
    public var deadline: Duration = .seconds(600)
    /// Transfers at once on one loop.
    public var transfersPerLoop = 64

    public struct ParseError: Error, Hashable, CustomStringConvertible {
        public let description: String
    }

    /// - Parameters:
    ///   - endpoint: `https://host[:port]`. `http` is for loopback, unless `allowsPlainHTTP` says that it is meant.
    ///   - buckets: allowlist; nil allows every bucket, an empty one none.
    public init(
        endpoint: String, region: String, credentials: S3Credentials, buckets: [String]? = nil,
        allowsPlainHTTP: Bool = false
    ) throws(ParseError) {
        let url: OutboundURL
        do throws(OutboundURL.ParseError) {
            url = try OutboundURL(parsing: endpoint)
        } catch {
            throw ParseError(description: error.description)
        }
        guard url.target == "/" else { throw ParseError(description: "the endpoint has a path or a query") }
        guard url.isSecure || url.isLoopback || allowsPlainHTTP else {
            throw ParseError(description: "the endpoint is plain http beyond loopback")
        }
        guard !region.isEmpty, region.utf8.allSatisfy(S3Configuration.isNameByte) else {
            throw ParseError(description: "the region is empty or malformed")
        }
        guard !credentials.accessKeyID.isEmpty, !credentials.secretAccessKey.isEmpty,
            credentials.accessKeyID.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ",") })
        else { throw ParseError(description: "the access key is empty or malformed") }
        for bucket in buckets ?? [] {
            if let defect = ObjectLocation.bucketDefect(bucket) { throw ParseError(description: "\(bucket): \(defect)") }
        }
        self.endpoint = url
        self.region = region
        self.credentials = credentials
        self.buckets = buckets.map { Set($0) }
    }

    public var description: String { "S3 at \(endpoint), region \(region)" }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...122).contains(byte) || (65...90).contains(byte) || byte == UInt8(ascii: "-")
    }
}
