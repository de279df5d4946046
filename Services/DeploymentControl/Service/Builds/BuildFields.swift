import DeploymentControlDomain
import Encoding

/// The members of a body that the build operations share, each of its JSON type but not yet judged (guard 9).
struct ArtifactFields: Sendable {
    var service: String
    var version: String
    var sizeBytes: Int64
    var sha256: String
    var contentType: String

    enum Names: Sendable {
        case expected
        case registered
    }

    static func read(_ object: ObjectReader, _ names: Names) -> ArtifactFields? {
        let service = object.field("service").string()
        let version = object.field("version").string()
        let size = size(object.field(names == .expected ? "expectedSizeBytes" : "sizeBytes"))
        let digest = object.field(names == .expected ? "expectedSha256" : "sha256").string()
        let type = object.field("contentType").string()
        guard let service, let version, let size, let digest, let type else { return nil }
        return ArtifactFields(service: service, version: version, sizeBytes: size, sha256: digest, contentType: type)
    }

    /// An integer of any magnitude: one that fits nowhere is out of every range, which is another refusal.
    private static func size(_ field: JSONField) -> Int64? {
        guard case .number(let number)? = field.value, number.int64 == nil, let double = number.double,
            double.rounded() == double, abs(double) >= 9e18
        else { return field.int().map { Int64($0) } }
        return double < 0 ? .min : .max
    }
}

/// The body of POST /v1/builds/upload-capability.
struct CapabilityFields {
    let artifact: ArtifactFields

    init(_ body: JSONObject) throws(Refusal) {
        artifact = try readFields(body) { ArtifactFields.read($0, .expected) }
    }
}

/// The body of POST /v1/builds.
struct RegistrationFields {
    let artifact: ArtifactFields
    let artifactRef: String

    init(_ body: JSONObject) throws(Refusal) {
        (artifact, artifactRef) = try readFields(body) { object in
            let artifact = ArtifactFields.read(object, .registered)
            let reference = object.field("artifactRef").string()
            guard let artifact, let reference else { return nil }
            return (artifact, reference)
        }
    }
}

private func readFields<Output>(_ body: JSONObject, _ read: (ObjectReader) -> Output?) throws(Refusal) -> Output {
    do throws(FieldProblems) {
        return try ObjectReader.read(.object(body), unknownKeys: .ignore, read)
    } catch {
        throw .invalidFields(error.problems)
    }
}
