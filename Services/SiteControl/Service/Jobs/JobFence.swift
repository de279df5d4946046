import Encoding
import Postgres
import ServiceKit

/// Keeps a run that has lost its job from changing anything: the first statement of every transaction that writes an outcome.
///
/// A term is given to one claim and never again, so a row that still carries it has been touched by nobody else. The fence raises
/// an error rather than giving a row, so that statements behind it in the same round trip are undone with it.
enum JobFence {
    static let schema = #"""
        -- Raises unless the run of that term still holds the job, its lease included; locks the row.
        CREATE FUNCTION hold_job(job uuid, term bigint) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM FROM jobs WHERE id = job AND status = 'running' AND fencing_term = term AND lease_expires_at > now()
                FOR UPDATE;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'the run no longer holds its job' USING ERRCODE = 'TJ001';
            END IF;
        END $$;

        -- Raises unless the run of that term has let its lease run out; locks the row.
        CREATE FUNCTION seize_job(job uuid, term bigint) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM FROM jobs WHERE id = job AND status = 'running' AND fencing_term = term AND lease_expires_at <= now()
                FOR UPDATE;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'the job is no longer without a worker' USING ERRCODE = 'TJ001';
            END IF;
        END $$;
        """#

    static let grants: [Grant] = [.function("hold_job(uuid, bigint)"), .function("seize_job(uuid, bigint)")]

    private static let state = SQLState("TJ001")

    /// For the run itself.
    static func hold(_ job: UUID, term: Int64) -> Command { "SELECT hold_job(\(job), \(term))" }

    /// For whoever looks after jobs that were left.
    static func seize(_ job: UUID, term: Int64) -> Command { "SELECT seize_job(\(job), \(term))" }

    /// Whether an error says that the fence did not hold.
    static func refused(_ error: DatabaseError) -> Bool { error.server?.state == state }
}
