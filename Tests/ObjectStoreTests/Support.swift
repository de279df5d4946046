import Crypto
import EventLoop
import Glibc
import ObjectStore
import TestSupport

extension S3Configuration {
    static func test(
        _ endpoint: String, secret: String = S3Double.secretKey, accessKey: String = S3Double.accessKey,
        region: String = "us-east-1", buckets: [String]? = nil
    ) throws -> S3Configuration {
        var configuration = try S3Configuration(
            endpoint: endpoint, region: region, credentials: S3Credentials(accessKeyID: accessKey, secretAccessKey: secret),
            buckets: buckets)
        configuration.connectTimeout = .seconds(20)
        configuration.stallTimeout = .seconds(20)
        return configuration
    }
}

/// What came of reading an object to its end.
struct Reading: Sendable, Equatable {
    var length: Int64?
    var count: Int64 = 0
    var sha256 = ""
    var error: ObjectError?
    /// Most resident memory seen while reading, less what there was before.
    var growth = 0
}

extension ObjectReading {
    /// Opens and hashes an object on a loop.
    func read(_ uri: String, upTo limit: Int64 = 1 << 40) async throws -> Reading {
        let location = try ObjectLocation(parsing: uri)
        return try await TestLoops.run { await self.readHere(location, upTo: limit) }
    }

    func readHere(_ location: ObjectLocation, upTo limit: Int64 = 1 << 40) async -> Reading {
        var reading = Reading()
        let hash = SHA256()
        let before = residentBytes()
        var pieces = 0
        do throws(ObjectError) {
            let stream = try await open(location, upTo: limit)
            reading.length = stream.declaredLength
            while let piece = try await stream.next() {
                hash.update(piece)
                reading.count += Int64(piece.count)
                pieces += 1
                if pieces.isMultiple(of: 32) { reading.growth = max(reading.growth, residentBytes() - before) }
            }
            reading.sha256 = hash.finalize().hex
        } catch {
            reading.error = error
        }
        return reading
    }

    /// Runs one call on a loop and returns its error.
    func failure(_ body: @escaping @Sendable (Self) async throws(ObjectError) -> Void) async throws -> ObjectError? {
        try await TestLoops.run {
            do throws(ObjectError) {
                try await body(self)
                return nil
            } catch {
                return error
            }
        }
    }
}

/// Resident memory of this process in bytes.
func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var text = [CChar](repeating: 0, count: 128)
    guard fgets(&text, 128, file) != nil else { return 0 }
    let fields = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
}
