/// Why a job failed. Append-only: codes are never renamed.
public enum JobErrorCode: String, CaseIterable, Sendable {
    case jobTimeout = "JOB_TIMEOUT"
    case ansibleTimeout = "ANSIBLE_TIMEOUT"
    case ansiblePlayError = "ANSIBLE_PLAY_ERROR"
    case ansibleHostFailed = "ANSIBLE_HOST_FAILED"
    case ansibleHostUnreachable = "ANSIBLE_HOST_UNREACHABLE"
    case ansibleSyntaxError = "ANSIBLE_SYNTAX_ERROR"
    case ansibleUnexpectedError = "ANSIBLE_UNEXPECTED_ERROR"
    case ansibleUnknownExit = "ANSIBLE_UNKNOWN_EXIT"
    case workerLost = "WORKER_LOST"
    case playbookResultInvalid = "PLAYBOOK_RESULT_INVALID"
    case rollbackTargetMissing = "ROLLBACK_TARGET_MISSING"
    case preconditionChanged = "PRECONDITION_CHANGED"

    /// Another attempt may succeed.
    public var isRetryable: Bool {
        switch self {
        case .ansibleTimeout, .ansiblePlayError, .ansibleHostFailed, .ansibleHostUnreachable, .workerLost: true
        case .jobTimeout, .ansibleSyntaxError, .ansibleUnexpectedError, .ansibleUnknownExit, .playbookResultInvalid,
            .rollbackTargetMissing, .preconditionChanged:
            false
        }
    }
}
