import Encoding
import TestSupport
import Testing

/// Reading the audit log page by page.
@Suite struct AuditPagingTests {
    @Test("following Link from page to page reads every record once, without gaps")
    func everyRecordOnce() async throws {
        let service = try await ValidationService.shared()
        for _ in 0..<7 { _ = try await service.post("/api/v1/validate/migration", []) }
        let newest = try #require(try await service.auditRecords("limit=1").first?["sequence"]?.int)

        var read: [Int] = []
        var target: String? = "/api/v1/audit/logs?before=\(newest + 1)&limit=3"
        while let page = target {
            let response = try await service.send("GET", page, token: service.auditorToken)
            try #require(response.status == 200, "\(response.text)")
            let sequences = try #require(try JSONReader.parse(response.body).array).compactMap { $0["sequence"]?.int }
            target = next(response)
            #expect(sequences.count == 3 || target == nil)
            read += sequences
        }
        #expect(read == Array((1...newest).reversed()))
    }

    /// The target of `<…>; rel="next"`.
    private func next(_ response: TestResponse) -> String? {
        guard let link = response.field("link"), link.hasPrefix("<"), link.hasSuffix(">; rel=\"next\"") else {
            return nil
        }
        return String(link.dropFirst().dropLast(">; rel=\"next\"".count))
    }
}
