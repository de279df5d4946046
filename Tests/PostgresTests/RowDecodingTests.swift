import Encoding
import Postgres
import TestSupport
import Testing

private struct Pair: PostgresRow {
    let id: Int
    let name: String

    init(_ row: inout RowReader) throws(RowError) {
        id = try row.column("id")
        name = try row.column("name")
    }
}

@Suite struct RowDecodingTests {
    @Test("NULL where a value is needed names the column") func null() async throws {
        try await withTestDatabase { db async throws in
            let error = await #expect(throws: DatabaseError.self) {
                try await db.one("SELECT 1 AS a, NULL::text AS b" as SQL<Columns<Int, String>>)
            }
            #expect(
                error == .decoding(RowError(.null, column: "b", position: 1, expected: "String", found: "text")))
            #expect(error?.description == "column \"b\" (position 1): NULL where String was expected")
        }
    }

    @Test("another type names the column, what was found and what was expected") func type() async throws {
        try await withTestDatabase { db async throws in
            for (sql, found) in [
                ("SELECT 'x'::text AS c", "text"), ("SELECT true AS c", "bool"), ("SELECT now() AS c", "timestamptz"),
                ("SELECT '{1}'::int[] AS c", "int4[]"),
            ] {
                let error = await #expect(throws: DatabaseError.self) { try await db.one(SQL<Int>(text: sql)) }
                #expect(error == .decoding(RowError(.type, column: "c", position: 0, expected: "Int", found: found)))
            }
            await #expect(throws: DatabaseError.self) { try await db.one("SELECT 1" as SQL<String>) }
            await #expect(throws: DatabaseError.self) { try await db.one("SELECT 'x'::text" as SQL<UUID>) }
            await #expect(throws: DatabaseError.self) { try await db.one("SELECT now()::timestamp" as SQL<Timestamp>) }
            await #expect(throws: DatabaseError.self) { try await db.one("SELECT 'infinity'::timestamptz" as SQL<Timestamp>) }
            await #expect(throws: DatabaseError.self) { try await db.one("SELECT '{{1},{2}}'::int[]" as SQL<[Int]>) }
        }
    }

    @Test("a number that does not fit is not cut") func range() async throws {
        try await withTestDatabase { db async throws in
            let error = await #expect(throws: DatabaseError.self) { try await db.one("SELECT 40000 AS n" as SQL<Int16>) }
            #expect(
                error
                    == .decoding(
                        RowError(.value("out of range"), column: "n", position: 0, expected: "Int16", found: "int4")))
            #expect(try await db.one("SELECT 4::int8" as SQL<Int16>) == 4)
        }
    }

    @Test("columns are read by name in any order, and a missing one is named") func byName() async throws {
        try await withTestDatabase { db async throws in
            let pair = try await db.one("SELECT 'n' AS name, 0 AS other, 3 AS id" as SQL<Pair>)
            #expect(pair.id == 3 && pair.name == "n")
            let error = await #expect(throws: DatabaseError.self) { try await db.one("SELECT 3 AS id" as SQL<Pair>) }
            #expect(error == .decoding(RowError(.missing, column: "name", position: nil, expected: "String")))
        }
    }

    @Test("too many and too few columns or rows are errors") func counts() async throws {
        try await withTestDatabase { db async throws in
            let error = await #expect(throws: DatabaseError.self) { try await db.one("SELECT 1, 2" as SQL<Int>) }
            #expect(error == .decoding(RowError(.columnCount(2), column: "", position: nil, expected: "1")))
            await #expect(throws: DatabaseError.self) { try await db.one("SELECT 1" as SQL<Columns<Int, Int>>) }
            await #expect(throws: DatabaseError.self) { try await db.one("SELECT 1 WHERE false" as SQL<Int>) }
            await #expect(throws: DatabaseError.self) { try await db.first("VALUES (1), (2)" as SQL<Int>) }
            #expect(try await db.first("SELECT 1 WHERE false" as SQL<Int>) == nil)
            #expect(try await db.query("SELECT generate_series(1, 5)" as SQL<Int>) == [1, 2, 3, 4, 5])
        }
    }

    @Test("an error of the server carries its state, table, column and constraint, and no value") func serverError() async throws {
        try await withTestDatabase { db async throws in
            try await db.execute("CREATE TABLE site (name text CONSTRAINT site_name_key UNIQUE CONSTRAINT short CHECK (length(name) < 20))")
            try await db.execute("INSERT INTO site VALUES (\("secret-value"))")
            let twice = await #expect(throws: DatabaseError.self) {
                try await db.execute("INSERT INTO site VALUES (\("secret-value"))")
            }
            #expect(twice?.uniqueViolation == "site_name_key")
            #expect(twice?.server?.table == "site")
            #expect(twice.map { "\($0)".contains("secret") } == false)
            let long = await #expect(throws: DatabaseError.self) {
                try await db.execute("INSERT INTO site VALUES (\("secret-value-that-is-too-long"))")
            }
            #expect(long?.checkViolation == "short")
            #expect(long.map { "\($0)".contains("secret") } == false)
        }
    }
}
