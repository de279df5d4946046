/// Tables that PostgreSQL itself lets nobody change, not even their owner.
public enum AppendOnly {
    /// Statements for a migration, after the table exists: UPDATE, DELETE and TRUNCATE fail whoever sends them, also while
    /// replication roles switch ordinary triggers off.
    /// - Parameter table: lower-case letters, digits and underscores; goes into the statement as it stands.
    public static func sql(for table: String) -> String {
        precondition(
            !table.isEmpty
                && table.utf8.allSatisfy {
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_")
                }, "not a table name")
        return """
            CREATE FUNCTION \(table)_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION '\(table) is append-only' USING ERRCODE = 'insufficient_privilege';
            END $$;
            CREATE TRIGGER \(table)_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON \(table)
            FOR EACH STATEMENT EXECUTE FUNCTION \(table)_refuse_change();
            ALTER TABLE \(table) ENABLE ALWAYS TRIGGER \(table)_append_only;
            """
    }
}
