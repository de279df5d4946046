import Postgres

/// Refuses every mutation while it is on. A row that is read for every mutation; the environment can force it on, never off.
struct KillSwitch: Sendable {
    let database: Database
    let isForced: Bool

    /// Guards 4 and 17: on the database, and again within the transaction of a reservation. What cannot be read is not
    /// believed to be off.
    func refuseIfOn(on database: some Queryable) async throws(Refusal) {
        if isForced { throw .mutationsDisabled }
        let isOn: Bool
        do throws(DatabaseError) {
            isOn = try await database.one(
                "SELECT coalesce((SELECT value = 'on' FROM setting WHERE name = 'mutations_disabled'), false)" as SQL<Bool>)
        } catch {
            throw .database(error)
        }
        if isOn { throw .mutationsDisabled }
    }

    func refuseIfOn() async throws(Refusal) { try await refuseIfOn(on: database) }
}
