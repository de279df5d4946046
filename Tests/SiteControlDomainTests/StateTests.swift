import SiteControlDomain
import Testing

@Suite struct StateTests {
    @Test("final states are final")
    func finalStates() {
        #expect(JobStatus.allCases.filter(\.isFinal) == [.succeeded, .failed, .cancelled])
        #expect(BackupStatus.allCases.filter(\.isFinal) == [.failed, .expired])
        #expect(ReleaseHealth.allCases.filter(\.isFinal) == [.unhealthy])
        #expect(LifecycleStatus.allCases.filter(\.isFinal).isEmpty)
        #expect(TLSStatus.allCases.filter(\.isFinal) == [.active, .failed, .disabled])
        #expect(NodeStatus.allCases.filter(\.isFinal) == [.decommissioned])
    }

    @Test("nothing fails that is not in progress, and failed leads to active alone")
    func failing() {
        for status in LifecycleStatus.allCases { #expect(status.canBecome(.failed) == status.isInProgress) }
        #expect(LifecycleStatus.transitions[.failed] == [.active])
        for status in LifecycleStatus.allCases where status.isInProgress {
            for other in LifecycleStatus.allCases where other.isInProgress { #expect(!status.canBecome(other)) }
        }
    }

    @Test("a job that moves the life cycle starts from active, and what it creates begins where it starts")
    func starts() {
        for definition in JobType.allCases.map(\.definition) {
            guard let start = definition.startStatus else {
                #expect(definition.release == nil && !definition.checksHealth && definition.creates == nil)
                continue
            }
            #expect(LifecycleStatus.active.canBecome(start))
            #expect(definition.environmentStates == (definition.creates == nil ? [.active] : [start]))
            #expect(definition.siteStates == (definition.creates == .site ? [start] : [.active]))
            #expect(definition.changesData)
        }
    }

    @Test("every job that switches code writes a release, a rollback none, and only unproven ones are checked")
    func releases() {
        let writing = JobType.allCases.filter { $0.definition.release != nil }
        #expect(
            Set(writing) == [
                .siteCreate, .siteImport, .environmentCreate, .environmentDeploy, .environmentUpdate, .environmentRestore,
                .environmentPromote,
            ])
        for definition in writing.map(\.definition) {
            #expect(definition.checksHealth == (definition.release?.health == .unknown))
        }
    }

    @Test("the error codes that are retried are those of trouble that may pass")
    func retries() {
        #expect(
            JobErrorCode.allCases.filter(\.isRetryable).map(\.rawValue) == [
                "ANSIBLE_TIMEOUT", "ANSIBLE_PLAY_ERROR", "ANSIBLE_HOST_FAILED", "ANSIBLE_HOST_UNREACHABLE", "WORKER_LOST",
            ])
        let policy = RetryPolicy(waits: [.seconds(60), .seconds(300), .seconds(900)])
        #expect(policy.decide(.workerLost, attempt: 1, maxAttempts: 3) == .retry(after: .seconds(60)))
        #expect(policy.decide(.workerLost, attempt: 2, maxAttempts: 3) == .retry(after: .seconds(300)))
        #expect(policy.decide(.workerLost, attempt: 3, maxAttempts: 3) == .giveUp)
        #expect(policy.decide(.playbookResultInvalid, attempt: 1, maxAttempts: 3) == .giveUp)
        #expect(policy.decide(.workerLost, attempt: 7, maxAttempts: 9) == .retry(after: .seconds(900)))
    }

    @Test("each operation has its own name and place, and every owner of the matrix is a feature of it")
    func operations() {
        #expect(OperationMatrix.all.count == 25)
        let all = OperationMatrix.served
        #expect(Set(all.map(\.operationID)).count == all.count)
        #expect(Set(all.map { $0.method + $0.path }).count == all.count)
        #expect(Set(OperationMatrix.all.map(\.feature)).count == 12)
        #expect(Feature.allCases.count == 19)
        #expect(OperationMatrix.all.filter { $0.model == .nodeQuery }.map(\.operationID) == ["createMagicLogin"])
    }
}
