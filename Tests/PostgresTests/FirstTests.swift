import Postgres
import TestSupport
import Testing

@Suite struct FirstTests {
    @Test("a value makes the way to the server and back") func roundTrip() async throws {
        try await withTestDatabase { db in
            let row = try await db.one("SELECT \(1), \("x")::text, \(nil as Int?)" as SQL<Columns<Int, String, Int?>>)
            #expect(row.values == (1, "x", nil))
        }
    }
}
