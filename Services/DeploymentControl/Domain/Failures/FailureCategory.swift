/// Who can do something about a failure. The engine's own words are folded into these five.
public enum FailureCategory: String, Sendable, CaseIterable {
    case infra = "INFRA"
    case config = "CONFIG"
    case app = "APP"
    case policy = "POLICY"
    case unknown = "UNKNOWN"
}
