import SiteControlDomain
import Testing
@testable import SiteControl

@Suite struct RunnerLimitsTests {
    @Test("limits fit each other, the engine's and the schema's")
    func relations() {
        let timings = JobTimings()
        // A child is gone before the lease of its job is given up.
        #expect(RunnerLimits.stopGrace < timings.childGrace)
        #expect(RunnerLimits.stopGrace + RunnerLimits.killGrace <= timings.childGrace)
        // The executor keeps the time of an attempt itself; the engine steps in only where it does not.
        #expect(
            RunnerLimits.stopGrace + RunnerLimits.killGrace + RunnerLimits.remoteStopTimeout < timings.overrunMargin)
        // jobs.output_tail and jobs.error_message hold 10,240 bytes.
        #expect(RunnerLimits.tailBytesMax == 10_240)
        #expect(RunnerLimits.lineBytesMax < RunnerLimits.outputBytesMax && RunnerLimits.eventBytesMax < RunnerLimits.outputBytesMax)
        #expect(RunnerLimits.maskedBytesMin > 1)
    }
}
