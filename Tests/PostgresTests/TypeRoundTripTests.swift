import Encoding
import Postgres
import TestSupport
import Testing

/// An enum stored as text, and an enum type of the server.
private enum Mood: String, PostgresEncodable, PostgresDecodable, CaseIterable {
    case glad, sad
}

private enum Level: Int, PostgresEncodable, PostgresDecodable {
    case low = 1, high = 2
}

@Suite struct TypeRoundTripTests {
    @Test("values come back as they were sent", arguments: [1, 2, 3] as [UInt64])
    func roundTrips(seed: UInt64) async throws {
        try await withTestDatabase { db async throws in
            var random = SeededRandom(seed)
            for _ in 0..<60 {
                try await check(Int.random(in: .min ... .max, using: &random), db, seed)
                try await check(Int64.random(in: .min ... .max, using: &random), db, seed)
                try await check(Int32.random(in: .min ... .max, using: &random), db, seed)
                try await check(Int16.random(in: .min ... .max, using: &random), db, seed)
                try await check(Bool.random(using: &random), db, seed)
                try await check(Double(bitPattern: random.next() & ~(0x7ff << 52) | 0x3ff << 52), db, seed)
                try await check(text(&random), db, seed)
                try await check((0..<Int.random(in: 0...40, using: &random)).map { _ in text(&random) }, db, seed)
                try await check(
                    (0..<Int.random(in: 0...40, using: &random)).map { _ -> Int? in
                        Bool.random(using: &random) ? Int(truncatingIfNeeded: random.next()) : nil
                    }, db, seed)
                try await check(
                    (0..<Int.random(in: 0...300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) },
                    db, seed)
                try await check(UUID(high: random.next(), low: random.next()), db, seed)
                try await check(
                    Timestamp(microseconds: Int64.random(in: -62_135_596_800_000_000...253_402_300_799_999_999, using: &random)),
                    db, seed)
            }
        }
    }

    @Test("edges come back as they were sent") func edges() async throws {
        try await withTestDatabase { db async throws in
            for value in [Int.min, -1, 0, 1, Int.max] { try await check(value, db, 0) }
            for value in [0.0, -0.0, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude] {
                try await check(value, db, 0)
            }
            #expect(try await db.one("SELECT \(Double.nan)" as SQL<Double>).isNaN)
            for value in ["", "\u{1}", "é", "🛰️", String(repeating: "x", count: 200_000)] { try await check(value, db, 0) }
            try await check([UInt8](), db, 0)
            try await check([UInt8](repeating: 0, count: 100_000), db, 0)
            try await check([String](), db, 0)
            try await check([String?]([nil, "", "null"]), db, 0)
            try await check([UUID](), db, 0)
            try await check(Timestamp(microseconds: 0), db, 0)
            try await check(Int?.none, db, 0)
            try await check(String?.none, db, 0)
            try await check([UInt8]?.none, db, 0)
            try await check([[UInt8]]([[], [0], [255, 0]]), db, 0)
        }
    }

    @Test("enums travel by their raw value, to text and to an enum type") func enums() async throws {
        try await withTestDatabase { db async throws in
            try await db.execute("CREATE TYPE mood AS ENUM ('glad', 'sad')")
            try await db.execute("CREATE TABLE t (a mood, b text, c int4)")
            for mood in Mood.allCases {
                try await db.execute("INSERT INTO t VALUES (\(mood), \(mood), \(Level.high))")
            }
            let rows = try await db.query("SELECT a, b, c FROM t WHERE a = \(Mood.sad)" as SQL<Columns<Mood, Mood, Level>>)
            #expect(rows.count == 1)
            #expect(rows.first?.values ?? (.glad, .glad, .low) == (.sad, .sad, .high))
        }
    }

    @Test("JSON text is stored as jsonb and json") func json() async throws {
        try await withTestDatabase { db async throws in
            try await db.execute("CREATE TABLE t (a jsonb, b json)")
            let json = JSONText("{\"a\": [1, 2.50, null], \"ü\": \"\\u00e9\"}")
            try await db.execute("INSERT INTO t VALUES (\(json), \(json))")
            let row = try await db.one("SELECT a, b::text, a->'a' FROM t" as SQL<Columns<JSONText, String, String>>)
            #expect(row.values.0 == JSONText("{\"a\": [1, 2.50, null], \"ü\": \"é\"}"))
            #expect(row.values.2 == "[1, 2.50, null]")
            let error = await #expect(throws: DatabaseError.self) {
                try await db.execute("INSERT INTO t VALUES (\(JSONText("{")), NULL)")
            }
            #expect(error?.server?.state == SQLState("22P02"))
        }
    }

    @Test("numeric is read exactly") func numeric() async throws {
        try await withTestDatabase { db async throws in
            let texts = [
                "0", "1", "-1", "0.5", "-0.0001", "10000", "99999999", "100000000", "12345678901234567890.0123456789",
                "0.00000000000001", "1.10", "1e20", "NaN", "-123.4500",
            ]
            for text in texts {
                let row = try await db.one("SELECT \(text)::numeric, \(text)::numeric::text" as SQL<Columns<String, String>>)
                #expect(row.values.0 == row.values.1)
            }
            for number in [0, 1, -1, 9999, 10_000, Int.max, Int.min] {
                #expect(try await db.one("SELECT sum(x) FROM unnest(\([number])) AS x" as SQL<Int>) == number)
            }
            await #expect(throws: DatabaseError.self) { try await db.one("SELECT 1.5" as SQL<Int>) }
            await #expect(throws: DatabaseError.self) { try await db.one("SELECT 1e19::numeric" as SQL<Int>) }
            #expect(try await db.one("SELECT 2.25::numeric" as SQL<Double>) == 2.25)
        }
    }

    private func check<Value: PostgresEncodable & PostgresRow & Equatable>(
        _ value: Value, _ db: Database, _ seed: UInt64
    ) async throws {
        let back = try await db.one("SELECT \(value)" as SQL<Value>)
        #expect(back == value, "seed \(seed)")
    }

    private func text(_ random: inout SeededRandom) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...30, using: &random) {
            if let scalar = Unicode.Scalar(UInt32.random(in: 1...0x2FFFF, using: &random)) {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
