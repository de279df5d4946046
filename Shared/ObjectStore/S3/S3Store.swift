public import Crypto
public import Encoding
import Outbound

/// An S3-compatible store, spoken to in path style over one endpoint, each request signed.
public final class S3Store: ObjectReading {
    public let configuration: S3Configuration
    private let client: HTTPClient
    private let signer: SigV4
    private let now: @Sendable () -> Timestamp

    /// - Parameter now: UTC; signatures carry it, and a store refuses one that is minutes off.
    public init(configuration: S3Configuration, now: @escaping @Sendable () -> Timestamp = { Timestamp.now() }) {
        self.configuration = configuration
        self.now = now
        signer = SigV4(credentials: configuration.credentials, region: configuration.region)
        client = HTTPClient(
            configuration: HTTPClientConfiguration(
                authorityFile: configuration.authorityFile, transfersPerLoop: configuration.transfersPerLoop))
    }

    public func open(_ location: ObjectLocation, upTo limit: Int64) async throws(ObjectError) -> ObjectStream {
        let request = try request(.get, location, responseBodyBytes: limit)
        let stream: OutboundStream
        do throws(OutboundError) {
            stream = try await client.open(request)
        } catch {
            throw ObjectError(error, limit: limit)
        }
        if let refusal = S3Store.refusal(of: stream.head) {
            stream.close()
            throw refusal
        }
        // An answer without content is no object, not even an empty one.
        guard stream.head.status == 200 else {
            stream.close()
            throw .unavailable("status \(stream.head.status)")
        }
        guard stream.head.isDelimited else {
            stream.close()
            throw .unavailable("the answer does not say where its body ends")
        }
        return ObjectStream(
            declaredLength: stream.head.declaredLength, source: S3Source(stream: stream, limit: limit))
    }

    public func head(_ location: ObjectLocation) async throws(ObjectError) -> Int64 {
        let response = try await exchange(try request(.head, location))
        guard let length = response.head.declaredLength else { throw .unavailable("the answer has no length") }
        return length
    }

    /// Bytes are signed with their digest; a stream is not, and relies on TLS.
    public func put(_ location: ObjectLocation, _ body: ObjectBody) async throws(ObjectError) {
        _ = try await exchange(try request(.put, location, body: body))
    }

    public func delete(_ location: ObjectLocation) async throws(ObjectError) {
        do throws(ObjectError) {
            _ = try await exchange(try request(.delete, location))
        } catch {
            guard error == .notFound else { throw error }
        }
    }

    /// A URL with which somebody else may store exactly one object: its length, digest and type are part of the signature.
    ///
    /// The uploader sends the returned headers with these values (S3 API, PutObject, `x-amz-checksum-sha256`).
    ///
    /// - Parameters:
    ///   - seconds: life of the URL, 1 s to 7 days.
    ///   - time: when its life begins; now if nil. The same arguments give the same URL.
    public func presignedPut(
        _ location: ObjectLocation, length: Int64, sha256: Digest32, contentType: String, seconds: Int,
        from time: Timestamp? = nil
    ) throws(ObjectError) -> PresignedPut {
        try checkBucket(location)
        let sent = [
            ("content-length", "\(length)"), ("content-type", contentType),
            ("x-amz-checksum-sha256", Base64.encode(sha256.bytes)),
        ]
        let signed = SigV4.Request(
            method: "PUT", path: "/\(location.bucket)/\(location.key)",
            headers: sent + [("host", configuration.endpoint.authority)])
        let target = signer.presignedTarget(for: signed, seconds: seconds, at: time ?? now())
        return PresignedPut(url: configuration.endpoint.origin + target, headers: sent.map { .init(name: $0.0, value: $0.1) })
    }

    // MARK: Requests

    private func checkBucket(_ location: ObjectLocation) throws(ObjectError) {
        if let allowed = configuration.buckets, !allowed.contains(location.bucket) {
            throw .bucketNotAllowed(location.bucket)
        }
    }

    private func request(
        _ method: OutboundMethod, _ location: ObjectLocation, body: ObjectBody? = nil,
        responseBodyBytes: Int64 = 1_048_576
    ) throws(ObjectError) -> OutboundRequest {
        try checkBucket(location)
        let time = now()
        let payloadHash =
            switch body {
            case .none: SHA256.hash([]).hex
            case .bytes(let bytes): SHA256.hash(bytes).hex
            case .stream: SigV4.unsignedPayload
            }
        var headers = [
            ("host", configuration.endpoint.authority), ("x-amz-content-sha256", payloadHash),
            ("x-amz-date", SigV4.stamp(time)),
        ]
        let path = "/\(location.bucket)/\(location.key)"
        let signed = SigV4.Request(method: method.rawValue, path: path, headers: headers)
        headers.append(("authorization", signer.authorization(for: signed, payloadHash: payloadHash, at: time)))
        do throws(OutboundURL.ParseError) {
            return OutboundRequest(
                method, try configuration.endpoint.withTarget(SigV4.encodedPath(path)),
                headers: headers.map { OutboundHeader($0.0, $0.1) }, body: OutboundBody(body),
                limits: OutboundLimits(
                    connectTimeout: configuration.connectTimeout, stallTimeout: configuration.stallTimeout,
                    deadline: configuration.deadline, responseBodyBytes: responseBodyBytes))
        } catch {
            throw .invalidLocation(error.description)
        }
    }

    private func exchange(_ request: OutboundRequest) async throws(ObjectError) -> OutboundResponse {
        let response: OutboundResponse
        do throws(OutboundError) {
            response = try await client.send(request)
        } catch {
            throw ObjectError(error, limit: 1_048_576)
        }
        if let refusal = S3Store.refusal(of: response.head) { throw refusal }
        return response
    }

    /// What an answer's head says against it, or nil. A page of a proxy that answers 200 is told by what every store's answer has and it lacks.
    private static func refusal(of head: OutboundResponseHead) -> ObjectError? {
        switch head.status {
        case 200, 204:
            let isPage = head.headers.first("content-type")?.lowercased().hasPrefix("text/html") == true
            let isStore = head.headers.first("etag") != nil || head.headers.first("x-amz-request-id") != nil
            return isPage && !isStore ? .unavailable("a web page in place of an object") : nil
        case 404: return .notFound
        case 401, 403: return .denied("status \(head.status)")
        default: return .unavailable("status \(head.status)")
        }
    }
}

/// What an uploader needs to store one object.
public struct PresignedPut: Sendable, Hashable {
    public struct Header: Sendable, Hashable {
        public let name: String
        public let value: String
    }

    /// A secret until it expires.
    public let url: String
    public let headers: [Header]
}

private final class S3Source: ObjectSource {
    private let stream: OutboundStream
    private let limit: Int64

    init(stream: OutboundStream, limit: Int64) {
        self.stream = stream
        self.limit = limit
    }

    func next() async throws(ObjectError) -> UnsafeRawBufferPointer? {
        do throws(OutboundError) {
            return try await stream.next()
        } catch {
            throw ObjectError(error, limit: limit)
        }
    }

    func close() { stream.close() }
}

extension OutboundBody {
    fileprivate init(_ body: ObjectBody?) {
        self =
            switch body {
            case .none: .none
            case .bytes(let bytes): .bytes(bytes)
            case .stream(let length, let next): .stream(length: length, next: next)
            }
    }
}

extension ObjectError {
    init(_ error: OutboundError, limit: Int64) {
        self =
            switch error {
            case .invalidRequest(let detail): .unavailable(detail)
            case .notSent(.cancelled, _), .unclear(.cancelled, _): .cancelled
            case .notSent(.deadline, _), .unclear(.deadline, _): .deadline
            case .notSent(let reason, let detail): .unavailable("\(reason.rawValue): \(detail)")
            case .unclear(.shortBody, _): .shortBody
            case .unclear(.stalled, _): .stalled
            case .unclear(.bodyTooLarge, _): .tooLarge(limit: limit)
            case .unclear(.uploadFailed, let detail): .uploadFailed(detail)
            case .unclear(let reason, let detail): .unavailable("\(reason.rawValue): \(detail)")
            }
    }
}
