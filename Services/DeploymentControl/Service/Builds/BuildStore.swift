import DeploymentControlDomain
import Encoding
import Postgres

/// Reads and writes of builds. A build is written once.
enum BuildStore {
    /// What is known before a build operation goes on.
    struct Facts: PostgresRow {
        let isAllowed: Bool
        /// The build that has this service and version.
        let existing: BuildRegistration?

        init(_ row: inout RowReader) throws(RowError) {
            isAllowed = try row.next()
            existing = try BuildRow.optional(&row)
        }
    }

    /// - Parameter version: nil where the client sent none that is one.
    static func facts(
        _ service: ServiceName, _ version: Version?, on database: some Queryable
    ) async throws(DatabaseError) -> Facts {
        try await database.one(
            """
            SELECT EXISTS (SELECT FROM service WHERE name = \(service.text) AND enabled), \(raw: columns)
            FROM (SELECT) AS one LEFT JOIN build AS b ON b.service = \(service.text) AND b.version = \(version?.text)
            """ as SQL<Facts>)
    }

    static func find(
        _ service: ServiceName, _ version: Version, on database: some Queryable
    ) async throws(DatabaseError) -> BuildRegistration? {
        try await database.first(
            "SELECT \(raw: columns) FROM build AS b WHERE b.service = \(service.text) AND b.version = \(version.text)"
                as SQL<BuildRow>)?.build
    }

    /// - Returns: nil where the version is registered already, also by a transaction that this one had to wait for.
    static func insert(
        _ id: UUID, _ artifact: ExpectedArtifact, reference: String, capability: UUID, client: String,
        in transaction: Transaction
    ) async throws(DatabaseError) -> BuildRegistration? {
        let path = artifact.path
        return try await transaction.first(
            """
            INSERT INTO build AS b (id, capability, client, service, version, artifact_ref, sha256, size_bytes, content_type)
            VALUES (\(id), \(capability), \(client), \(path.service.text), \(path.version.text), \(reference),
                    \(path.sha256), \(artifact.sizeBytes), \(path.type.contentType))
            ON CONFLICT DO NOTHING RETURNING \(raw: columns)
            """ as SQL<BuildRow>)?.build
    }

    /// All versions of a service, in no order; nil for a service that was never registered.
    static func versions(_ service: ServiceName, on database: some Queryable) async throws(DatabaseError) -> [Version]? {
        let rows = try await database.query(
            """
            SELECT b.version FROM service AS s LEFT JOIN build AS b ON b.service = s.name WHERE s.name = \(service.text)
            """ as SQL<String?>)
        return rows.isEmpty ? nil : rows.compactMap { $0.flatMap { Version($0) } }
    }

    static func find(
        _ service: ServiceName, _ versions: [Version], on database: some Queryable
    ) async throws(DatabaseError) -> [BuildRegistration] {
        try await database.query(
            """
            SELECT \(raw: columns) FROM build AS b
            WHERE b.service = \(service.text) AND b.version = ANY (\(versions.map(\.text)))
            """ as SQL<BuildRow>
        ).map(\.build)
    }

    private static let columns: StaticString = """
        b.id, b.service, b.version, b.artifact_ref, b.sha256, b.size_bytes, b.content_type, b.registered_at
        """
}

/// One row of `build`.
private struct BuildRow: PostgresRow {
    let build: BuildRegistration

    init(_ row: inout RowReader) throws(RowError) {
        let id: UUID = try row.next()
        build = try Self.build(id, &row)
    }

    /// nil where the columns of an outer join are NULL.
    static func optional(_ row: inout RowReader) throws(RowError) -> BuildRegistration? {
        guard let id = try row.next(UUID?.self) else {
            row.ignoreRest()
            return nil
        }
        return try build(id, &row)
    }

    private static func build(_ id: UUID, _ row: inout RowReader) throws(RowError) -> BuildRegistration {
        BuildRegistration(
            id: id.description, service: try row.next(), version: try row.next(), artifactRef: try row.next(),
            sha256: try row.next(), sizeBytes: try row.next(), contentType: try row.next(),
            registeredAt: try row.next(Timestamp.self).microseconds)
    }
}

extension BuildRegistration {
    /// BuildRegistration of the contract.
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("id", id)
            json.member("service", service)
            json.member("version", version)
            json.member("artifactRef", artifactRef)
            json.member("sha256", sha256)
            json.member("sizeBytes", sizeBytes)
            json.member("contentType", contentType)
            json.member("registeredAt", Timestamp(microseconds: registeredAt).description)
        }
    }

    var document: [UInt8] {
        var json = JSONWriter()
        write(to: &json)
        return json.finish()
    }
}
