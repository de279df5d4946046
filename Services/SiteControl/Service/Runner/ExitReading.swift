import EventLoop
import SiteControlDomain

/// What the end of ansible-playbook means (reference 5.7, 6.6), read together with what the callback plugin told.
enum ExitReading: Hashable {
    /// It ran on the node and nothing failed. The result decides.
    case finished
    case failed(JobErrorCode, reason: String)

    init(_ exit: ChildExit, _ ledger: RunLedger) {
        switch exit {
        case .signalled(let number):
            self = .failed(.ansibleUnknownExit, reason: "ansible-playbook was ended by signal \(number).")
        case .exited(code: 0):
            self = Self.success(ledger)
        case .exited(code: 1):
            self = .failed(.ansiblePlayError, reason: "ansible-playbook could not run the playbook.")
        case .exited(code: 2):
            self = .failed(.ansibleHostFailed, reason: ledger.failureSummary ?? "A task failed on the node.")
        case .exited(code: 4):
            // The same code stands for a file that cannot be parsed. Trying that again would help nobody.
            self = ledger.hasUnreachableHost || ledger.unreachable > 0
                ? .failed(.ansibleHostUnreachable, reason: ledger.failureSummary ?? "The node could not be reached.")
                : .failed(.ansibleSyntaxError, reason: "ansible-playbook could not parse the playbook.")
        case .exited(code: 5):
            self = .failed(.ansibleSyntaxError, reason: "ansible-playbook refused its options or the playbook.")
        case .exited(code: 250):
            self = .failed(.ansibleUnexpectedError, reason: "ansible-playbook met an unexpected error.")
        case .exited(let code):
            self = .failed(.ansibleUnknownExit, reason: "ansible-playbook ended with code \(code).")
        }
    }

    /// Code 0 is also what a run ends with that found no host.
    private static func success(_ ledger: RunLedger) -> ExitReading {
        guard ledger.hasEnded else {
            return .failed(.playbookResultInvalid, reason: "ansible-playbook ended well, but told nothing of what it did.")
        }
        guard ledger.tasksDone > 0, ledger.failures == 0, ledger.unreachable == 0 else {
            return .failed(.playbookResultInvalid, reason: "ansible-playbook ended well, but did nothing on the node.")
        }
        return .finished
    }
}
