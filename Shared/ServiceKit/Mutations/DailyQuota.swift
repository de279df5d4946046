public import Encoding
public import Postgres

/// Units per client and UTC day, counted in the transaction that uses them: what rolls back was never used.
public struct DailyQuota: Sendable, Hashable {
    /// Final once released.
    public static let schema = """
        CREATE TABLE daily_counter (
            client text NOT NULL,
            -- UTC.
            day    date NOT NULL,
            quota  text NOT NULL,
            used   integer NOT NULL CHECK (used >= 0),
            PRIMARY KEY (client, day, quota)
        );
        """

    /// What the serving role needs.
    public static let grants: [Grant] = [.table("daily_counter", [.select, .insert, .update])]

    public let name: String
    /// Units a day; 0 refuses all.
    public let limit: Int

    public init(_ name: String, limit: Int) {
        precondition(limit >= 0 && limit < 1_000_000_000, "no quota")
        self.name = name
        self.limit = limit
    }

    /// Takes one unit of `client` today.
    /// - Returns: the unit, or nil where none is left.
    public func consume(_ client: String, in transaction: Transaction) async throws(DatabaseError) -> QuotaUnit? {
        let day = try await transaction.first(
            """
            INSERT INTO daily_counter AS c (client, day, quota, used)
            SELECT \(client), (now() AT TIME ZONE 'UTC')::date, \(name), 1 WHERE \(limit) > 0
            ON CONFLICT (client, day, quota) DO UPDATE SET used = c.used + 1 WHERE c.used < \(limit)
            RETURNING day::text
            """ as SQL<String>)
        return day.map { QuotaUnit(client: client, quota: name, day: $0) }
    }

    /// Gives a unit back to the day it was taken from.
    public static func giveBack(_ unit: QuotaUnit, on database: some Queryable) async throws(DatabaseError) {
        try await database.execute(
            """
            UPDATE daily_counter SET used = used - 1
            WHERE client = \(unit.client) AND quota = \(unit.quota) AND day = \(unit.day)::date AND used > 0
            """)
    }

    /// How much is used today, without taking any.
    public func check(_ client: String, on database: some Queryable) async throws(DatabaseError) -> QuotaState {
        let row = try await database.one(
            """
            SELECT coalesce((SELECT used FROM daily_counter WHERE client = \(client) AND quota = \(name)
                             AND day = (now() AT TIME ZONE 'UTC')::date), 0)::bigint,
                   (extract(epoch FROM now()) * 1000000)::bigint
            """ as SQL<Columns<Int, Int64>>)
        let (used, now) = row.values
        return QuotaState(quota: self, used: min(used, limit), now: Timestamp(microseconds: now))
    }
}

/// One unit that was taken.
public struct QuotaUnit: Sendable, Hashable {
    public let client: String
    public let quota: String
    /// The UTC day, `2026-01-31`.
    public let day: String

    public init(client: String, quota: String, day: String) {
        self.client = client
        self.quota = quota
        self.day = day
    }
}

/// What is left of a quota today.
public struct QuotaState: Sendable, Hashable {
    public let quota: DailyQuota
    public let used: Int
    let now: Timestamp

    public var isExhausted: Bool { used >= quota.limit }

    /// The next midnight UTC.
    public var resetAt: Timestamp {
        let day: Int64 = 86_400_000_000
        return Timestamp(microseconds: (now.microseconds / day + 1) * day)
    }

    /// Whole seconds until then, at least 1: `Retry-After`.
    public var resetSeconds: Int { RateDecision.seconds(from: now, to: resetAt) }
}
