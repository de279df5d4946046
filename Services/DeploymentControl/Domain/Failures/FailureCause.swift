/// Everything that a rollout is known to fail of, with its fixed wording (reference 3.6). The same cause always has the same
/// text, so that failures can be counted by summary.
public enum FailureCause: CaseIterable, Sendable {
    case deliveryUnreachable, tookTooLong
    case neverHealthy, checkFailed, buildMissing, buildNotFetched, buildDamaged
    case buildLocation, serviceUnknown, misconfigured, nothingToRestore
    case accessRefused, approvalRefused, canceled
    case unconfirmed, unknown

    public var category: FailureCategory {
        switch self {
        case .deliveryUnreachable, .tookTooLong, .unconfirmed: .infra
        case .neverHealthy, .checkFailed, .buildMissing, .buildNotFetched, .buildDamaged: .app
        case .buildLocation, .serviceUnknown, .misconfigured, .nothingToRestore: .config
        case .accessRefused, .approvalRefused, .canceled: .policy
        case .unknown: .unknown
        }
    }

    /// What did not happen.
    public var summary: String {
        switch self {
        case .deliveryUnreachable: "The delivery system did not respond."
        case .tookTooLong: "The rollout took too long and was stopped."
        case .neverHealthy: "The new version did not become healthy."
        case .checkFailed: "A check of the new version failed."
        case .buildMissing: "The build could not be found in the artifact store."
        case .buildNotFetched: "The build could not be fetched."
        case .buildDamaged: "The build did not match its checksum."
        case .buildLocation: "The build is stored in a place that is not accepted for this service."
        case .serviceUnknown: "The runtime has no target for this service."
        case .misconfigured: "The rollout is configured incorrectly."
        case .nothingToRestore: "The runtime has no earlier version to restore."
        case .accessRefused: "The rollout was refused by an access rule."
        case .approvalRefused: "The rollout was stopped at an approval step."
        case .canceled: "The rollout was canceled."
        case .unconfirmed: FailureFinding.unconfirmed.summary
        case .unknown: "The rollout failed for an unknown reason."
        }
    }

    /// What the reader should do next.
    public var actionHint: String {
        switch self {
        case .deliveryUnreachable: "Try again in a few minutes; tell the platform team if it persists."
        case .tookTooLong: "Try again; ask the platform team to look at capacity if it repeats."
        case .neverHealthy: "Check the start-up logs of this version, fix it and publish a new build."
        case .checkFailed: "Check the logs of this version, fix it and publish a new build."
        case .buildMissing, .buildNotFetched, .buildDamaged: "Publish the version again and deploy the new build."
        case .buildLocation: "Publish the build to the approved store."
        case .serviceUnknown: "Ask the platform team to connect this service."
        case .misconfigured: "Ask the platform team to correct the rollout configuration."
        case .nothingToRestore: "Deploy a known good version instead."
        case .accessRefused: "Ask the platform team to review the permissions."
        case .approvalRefused: "Talk to the approver, then deploy again."
        case .canceled: "Confirm who canceled it and why before deploying again."
        case .unconfirmed: FailureFinding.unconfirmed.actionHint
        case .unknown: "Open the execution link for details or contact the platform team."
        }
    }

    public func finding(detail: String? = nil, observedAt: Int64? = nil) -> FailureFinding {
        FailureFinding(category: category, summary: summary, detail: detail, actionHint: actionHint, observedAt: observedAt)
    }
}
