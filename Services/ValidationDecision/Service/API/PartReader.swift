import Crypto
import HTTP

/// The parts of a multipart body with this service's errors and limits.
struct PartReader {
    private let reader: MultipartReader

    /// - Parameter files: parts that may come beside the usual number.
    init(_ request: Request, files: Int = 0) throws(IntakeError) {
        var limits = MultipartLimits()
        limits.parts += files
        do throws(MultipartError) {
            reader = try MultipartReader(request, limits: limits)
        } catch {
            throw .multipart(error)
        }
    }

    func next() async throws(IntakeError) -> MultipartPart? {
        do throws(MultipartError) {
            return try await reader.nextPart()
        } catch {
            throw .multipart(error)
        }
    }

    /// The whole part in memory.
    func collect(_ part: MultipartPart, upTo limit: Int) async throws(IntakeError) -> [UInt8] {
        do throws(MultipartError) {
            return try await part.collect(upTo: limit)
        } catch {
            throw .multipart(error)
        }
    }

    /// The part through a sink, in flat memory.
    func stream(_ part: MultipartPart, into sink: ArtifactSink, upTo limit: Int) async throws(IntakeError) {
        do throws(MultipartError) {
            while let piece = try await part.next() {
                if piece.count > limit - sink.byteCount { throw .partTooLarge(name: part.name, limit: limit) }
                await sink.take(piece)
            }
        } catch {
            throw .multipart(error)
        }
    }

    /// Reads past a part that means nothing here.
    func skip(_ part: MultipartPart, upTo limit: Int) async throws(IntakeError) {
        do throws(MultipartError) {
            var count = 0
            while let piece = try await part.next() {
                count += piece.count
                if count > limit { throw .partTooLarge(name: "of an unknown name", limit: limit) }
            }
        } catch {
            throw .multipart(error)
        }
    }
}
