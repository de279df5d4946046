import DeploymentControlDomain
import Testing

@Suite struct DeploymentStateTests {
    @Test("every pair of state and event has its answer")
    func table() {
        let allowed: [(DeploymentState, DeploymentEvent, DeploymentState)] = [
            (.pending, .accepted, .active), (.active, .executionSucceeded, .succeeded), (.active, .executionFailed, .failed),
            (.active, .released, .failed), (.succeeded, .rollbackSucceeded, .rolledBack), (.failed, .rollbackSucceeded, .rolledBack),
        ]
        for state in DeploymentState.allCases {
            for event in DeploymentEvent.allCases {
                let expected = allowed.first { $0.0 == state && $0.1 == event }?.2
                #expect(state.after(event) == expected, "\(state) \(event)")
            }
        }
    }

    @Test("nothing that has ended comes back to hold the lock")
    func endsStay() {
        for state in DeploymentState.allCases where state.isTerminal {
            for event in DeploymentEvent.allCases { #expect(state.after(event)?.holdsLock != true) }
        }
        #expect(DeploymentState.allCases.filter(\.holdsLock) == [.pending, .active])
    }
}

@Suite struct ChangeSummaryTests {
    @Test("a summary is counted in Unicode scalars and is not blank")
    func form() throws {
        #expect(throws: ChangeSummary.Problem.blank) { try ChangeSummary("") }
        #expect(throws: ChangeSummary.Problem.blank) { try ChangeSummary(" \t\n\u{2003}") }
        #expect(try ChangeSummary(String(repeating: "é", count: 240)).text.unicodeScalars.count == 240)
        // One character for people, two scalars.
        #expect(throws: ChangeSummary.Problem.tooLong) { try ChangeSummary(String(repeating: "e\u{301}", count: 121)) }
        #expect(try ChangeSummary("  kept as sent  ").text == "  kept as sent  ")
    }
}

@Suite struct PipelineParametersTests {
    private func names(_ kind: DeploymentKind, _ artifact: RegisteredArtifact?, engineURL: String? = nil) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: PipelineParameters.of(
                kind, deploymentID: "d", service: "s", version: "1.0.0", engineURL: engineURL, artifact: artifact
            ).map { ($0.name, $0.value) })
    }

    @Test("a pipeline is told what it needs and nothing else")
    func parameters() {
        #expect(names(.rollForward, nil) == ["service": "s", "version": "1.0.0", "deploymentId": "d"])
        #expect(
            names(.rollback, nil, engineURL: "http://r")
                == ["service": "s", "version": "1.0.0", "targetVersion": "1.0.0", "deploymentId": "d", "engineUrl": "http://r"])
        let local = RegisteredArtifact(reference: "artifact://s/1.0.0/a.zip", sha256: "a")
        #expect(names(.rollForward, local)["artifactRef"] == local.reference)
        #expect(names(.rollForward, local)["s3Bucket"] == nil)
        let s3 = names(.rollForward, RegisteredArtifact(reference: "s3://bucket/a/b.zip", sha256: "a"))
        #expect(s3["s3Bucket"] == "bucket" && s3["s3Key"] == "a/b.zip" && s3["sha256"] == "a")
    }
}

@Suite struct TimelineTests {
    @Test("a story is told in the order of time, rollbacks with it")
    func story() {
        let own = Milestones(id: "a", createdAt: 1, acceptedAt: 2, finishedAt: 5, endedWell: true)
        let failed = Milestones(id: "b", createdAt: 6, acceptedAt: 7, finishedAt: 8, endedWell: false)
        let running = Milestones(id: "c", createdAt: 9, acceptedAt: 10, finishedAt: nil, endedWell: true)
        let keys = own.timeline(rollbacks: [failed, running]).map { "\($0.key.rawValue) \($0.deploymentID) \($0.at)" }
        #expect(keys == [
            "submitted a 1", "validated a 1", "in_progress a 2", "succeeded a 5", "rollback_started b 7", "rollback_failed b 8",
            "rollback_started c 10",
        ])
        #expect(Milestones(id: "a", createdAt: 1, acceptedAt: 2, finishedAt: nil, endedWell: true).timeline(rollbacks: []).count == 3)
    }
}
