/// What an engine status text means for a deployment (reference 7.5). The text is compared in upper case.
public enum EngineStatus: Sendable, Hashable {
    /// Not complete: the target is, or may be, worked on.
    case running
    case succeeded
    case failed
    /// Complete because somebody stopped it: a failure whose reason is the cancellation.
    case canceled
    /// Nobody knows it: no change. The text as it came, cut to 64 characters; empty where there was none.
    case unrecognised(String)

    /// The whole table. ROLLED_BACK is no stock value, and only a later rollback of ours may set that state: it is a failure here.
    static let table: [String: EngineStatus] = [
        "NOT_STARTED": .running, "BUFFERED": .running, "RUNNING": .running, "STARTED": .running, "PAUSED": .running,
        "SUSPENDED": .running, "REDIRECT": .running,
        "SUCCEEDED": .succeeded, "FAILED_CONTINUE": .succeeded, "SKIPPED": .succeeded,
        "TERMINAL": .failed, "FAILED": .failed, "STOPPED": .failed, "ROLLED_BACK": .failed,
        "CANCELED": .canceled,
    ]

    public init(_ text: String?) {
        let text = text ?? ""
        self = Self.table[text.uppercased()] ?? .unrecognised(String(String.UnicodeScalarView(text.unicodeScalars.prefix(64))))
    }
}
