import SiteControlDomain
import Testing

@Suite struct JobRegistryTests {
    @Test("every job type has a row of its own in the registry")
    func everyTypeIsDefined() {
        for type in JobType.allCases { #expect(type.definition.type == type) }
        #expect(JobType.allCases.count == 17)
        #expect(Set(JobType.allCases.map(\.playbook)).count == 17)
    }

    @Test("13 types are reached through an operation each, and 4 are internal")
    func exposure() {
        let exposed = OperationMatrix.all.compactMap { operation in
            if case .async(let type) = operation.model { type } else { nil }
        }
        #expect(exposed.count == 13)
        #expect(Set(exposed) == Set(JobType.allCases.filter(\.definition.isExposed)))
        #expect(Set(JobType.allCases).subtracting(exposed) == [.nodeProvision, .healthCheck, .backupCleanup, .releaseRollback])
    }
}
