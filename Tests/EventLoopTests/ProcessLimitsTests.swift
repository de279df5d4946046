import Testing

@testable import EventLoop

@Suite struct ProcessLimitsTests {
    @Test("a process gets as many descriptors as the system lets it have")
    func raised() throws {
        let most = try #require(ProcessLimits.raiseOpenFiles())
        #expect(ProcessLimits.limitOpenFiles(to: most - 1))
        #expect(ProcessLimits.raiseOpenFiles() == most)
    }
}
