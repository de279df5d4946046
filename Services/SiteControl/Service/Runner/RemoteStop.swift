import Encoding
import EventLoop
import ServiceKit

/// How a node is reached over ssh.
struct NodeAddress: Sendable {
    let node: NodeRow
    /// File in which its host key is pinned.
    let knownHosts: String
}

/// Tells a node to stop what a run has left there: ending ansible-playbook does not end the command that it started on the
/// node. Long steps run there as transient units that carry the job's id. Best effort: the next run settles it anyway.
struct RemoteStop: Sendable {
    let ssh: SSHCommand
    let logger: Logger

    /// Takes at most ``RunnerLimits/remoteStopTimeout``. On a loop.
    func stop(_ job: UUID, on address: NodeAddress, scratch: ScratchFolder) async {
        let command = ssh.run(
            ["sudo", "-n", "systemctl", "stop", "trivet-job-\(job)-*"], on: address.node, keyFile: scratch.key,
            knownHosts: address.knownHosts, home: scratch.path)
        do {
            let result = try await withTimeout(RunnerLimits.remoteStopTimeout) {
                try await ChildProcess.run(command, outputBytesMax: 4096, teardown: [.signal(9, grace: .seconds(1))]) { _, _ in }
            }
            guard !result.exit.isSuccess else { return }
            logger.warn("what a stopped job left on its node may still run", .text("job", job.description))
        } catch {
            logger.warn(
                "what a stopped job left on its node may still run", .text("job", job.description), .text("reason", "\(error)"))
        }
    }
}
