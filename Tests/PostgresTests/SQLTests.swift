import Testing

@testable import Postgres

@Suite struct SQLTests {
    @Test("interpolated values become parameters") func parameters() {
        let missing: Int? = nil
        let sql: Command = "UPDATE t SET a = \("x'; DROP TABLE t"), b = \(7) WHERE id = \(missing)"
        #expect(sql.text == "UPDATE t SET a = $1, b = $2 WHERE id = $3")
        #expect(sql.parameters.oids == [0, 20, 20])
        #expect(sql.parameters.slots.map(\.length) == [16, 8, -1])
    }

    @Test("fragments bring their parameters, renumbered") func fragments() {
        var clauses: [SQLFragment] = []
        for number in 1...12 { clauses.append("(a = \(number) OR b = \("é\(number)"))") }
        let sql: Command = "SELECT \(0) WHERE \(SQLFragment.joined(clauses, separator: " AND ")) LIMIT \(99)"
        var expected = "SELECT $1 WHERE "
        expected += (1...12).map { "(a = $\(2 * $0) OR b = $\(2 * $0 + 1))" }.joined(separator: " AND ")
        #expect(sql.text == expected + " LIMIT $26")
        #expect(sql.parameters.count == 26)
        // Once more around, with multi-byte text before the markers.
        let outer: Command = "/* ü */ \(sql) OFFSET \(1)"
        #expect(outer.text == "/* ü */ \(expected) LIMIT $26 OFFSET $27")
    }

    @Test("identifiers are quoted") func identifiers() {
        let sql: Command = "SELECT 1 FROM \(identifier: "we\"ird")"
        #expect(sql.text == "SELECT 1 FROM \"we\"\"ird\"")
    }

    @Test("U+0000 in a text is refused, not cut", arguments: ["a\0b", "\0", "end\0"])
    func nul(text: String) {
        let sql: Command = "SELECT \(1), \(text)"
        #expect(throws: DatabaseError.parameter(.nulCharacter(position: 2))) { try BoundStatement(sql).check() }
        let inFragment: Command = "SELECT \(3), \("SELECT \(2), \([text])" as SQLFragment)"
        #expect(throws: DatabaseError.parameter(.nulCharacter(position: 3))) { try BoundStatement(inFragment).check() }
    }

    @Test(
        "the first word decides about the lane",
        arguments: [
            ("SELECT 1", Lane.read), ("  \n -- note\n /* a /* b */ c */ select 1", .read), ("VALUES (1)", .read),
            ("VACUUM", .write), ("TABLE t", .read), ("TRUNCATE t", .write), ("SHOW x", .read),
            ("WITH a AS (SELECT 1) INSERT INTO t SELECT 1", .write), ("insert into t values (1)", .write), ("", .write),
            ("(SELECT 1)", .read), ("/* open", .write),
        ])
    func lanes(text: String, lane: Lane) {
        #expect(StatementKind(text).lane == lane)
    }

    @Test(
        "what begins or ends transactions or changes settings is refused on shared connections",
        arguments: ["BEGIN", "begin; select 1", "START TRANSACTION", "COMMIT", "/**/ROLLBACK", "SET x = 1", "LISTEN c", "end"])
    func shareable(text: String) {
        #expect(throws: DatabaseError.self) { try StatementKind(text).checkShareable() }
    }

    @Test("savepoints are allowed inside a transaction, its end is not") func insideTransaction() throws {
        for text in ["SAVEPOINT a", "ROLLBACK TO SAVEPOINT a", "RELEASE a", "SET LOCAL x = 1"] {
            try StatementKind(text).checkInsideTransaction(text)
        }
        for text in ["COMMIT", "ROLLBACK", "ABORT", "END", "BEGIN"] {
            #expect(throws: DatabaseError.self) { try StatementKind(text).checkInsideTransaction(text) }
        }
    }

    @Test("descriptions of errors hold no values") func descriptions() {
        let error = DatabaseError.server(
            ServerError(
                state: .uniqueViolation, message: "duplicate key value violates unique constraint \"site_name_key\"",
                table: "site", constraint: "site_name_key"))
        #expect(
            "\(error)"
                == "SQLSTATE 23505: duplicate key value violates unique constraint \"site_name_key\" [constraint site_name_key] [table site]")
        #expect(error.uniqueViolation == "site_name_key")
        #expect(error.checkViolation == nil)
    }
}
