import Crypto
import Encoding
import Foundation
import ObjectStore
import Testing

@Suite struct SigV4Tests {
    /// Written by `Tests/vectors/make_sigv4_vectors.py` with botocore.
    struct Vectors: Decodable {
        struct Vector: Decodable {
            let method: String
            let path: String
            let query: [[String]]
            let headers: [[String]]
            let body: String
            let time: String
            let region: String
            let presigned_seconds: Int?
            let signature: String
        }
        let access_key: String
        let secret_key: String
        let vectors: [Vector]

        static func load(from file: String = #filePath) throws -> Vectors {
            let path = URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "vectors/sigv4.json")
            return try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: path))
        }
    }

    @Test("signatures equal those of botocore, in the header and in the query")
    func botocore() throws {
        let file = try Vectors.load()
        #expect(file.vectors.count == 60)
        for (number, vector) in file.vectors.enumerated() {
            let signer = SigV4(
                credentials: S3Credentials(accessKeyID: file.access_key, secretAccessKey: file.secret_key),
                region: vector.region)
            let time = try #require(Timestamp(vector.time))
            var request = SigV4.Request(
                method: vector.method, path: vector.path, query: vector.query.map { ($0[0], $0[1]) },
                headers: vector.headers.map { ($0[0], $0[1]) })
            let result: String
            if let seconds = vector.presigned_seconds {
                result = signer.presignedTarget(for: request, seconds: seconds, at: time)
            } else {
                let hash = SHA256.hash(vector.body).hex
                request.headers += [("X-Amz-Content-SHA256", hash), ("X-Amz-Date", SigV4.stamp(time))]
                result = signer.authorization(for: request, payloadHash: hash, at: time)
            }
            #expect(result.hasSuffix("Signature=\(vector.signature)"), "vector \(number)")
        }
    }

    private static let published = SigV4(
        credentials: S3Credentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        region: "us-east-1")

    /// Amazon S3 API reference, "Signature Calculations for the Authorization Header: … Examples".
    @Test("the published examples of the Authorization header come out", arguments: [
        ("GET", "/test.txt", "", "", "range: bytes=0-9", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        (
            "PUT", "/test$file.text", "", "Welcome to Amazon S3.",
            "date: Fri, 24 May 2013 00:00:00 GMT|x-amz-storage-class: REDUCED_REDUNDANCY",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        ),
        ("GET", "/", "lifecycle=", "", "", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("GET", "/", "max-keys=2&prefix=J", "", "", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ])
    func publishedHeader(method: String, path: String, query: String, body: String, headers: String, signature: String) throws {
        let time = try #require(Timestamp("2013-05-24T00:00:00Z"))
        let hash = SHA256.hash(body).hex
        let fields = headers.split(separator: "|").map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            return (String(line[..<colon]), String(line[colon...].dropFirst()))
        }
        let request = SigV4.Request(
            method: method, path: path,
            query: query.split(separator: "&").map { pair in
                let parts = pair.split(separator: "=", omittingEmptySubsequences: false)
                return (String(parts[0]), String(parts[1]))
            },
            headers: [
                ("Host", "examplebucket.s3.amazonaws.com"), ("x-amz-content-sha256", hash), ("x-amz-date", SigV4.stamp(time)),
            ] + fields)
        let value = Self.published.authorization(for: request, payloadHash: hash, at: time)
        #expect(value.hasSuffix("Signature=\(signature)"))
        #expect(value.hasPrefix("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"))
    }

    /// Amazon S3 API reference, "Authenticating Requests: Using Query Parameters".
    @Test("the published example of a presigned URL comes out")
    func publishedQuery() throws {
        let time = try #require(Timestamp("2013-05-24T00:00:00Z"))
        let request = SigV4.Request(method: "GET", path: "/test.txt", headers: [("host", "examplebucket.s3.amazonaws.com")])
        let target = Self.published.presignedTarget(for: request, seconds: 86400, at: time)
        #expect(target == "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
    }

    @Test("the secret key appears in no description")
    func secrecy() {
        let credentials = S3Credentials(accessKeyID: "id", secretAccessKey: "very-secret")
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), dumped, "\(SigV4(credentials: credentials, region: "r"))"] {
            #expect(!text.contains("very-secret") && text.contains("id"))
        }
    }
}
