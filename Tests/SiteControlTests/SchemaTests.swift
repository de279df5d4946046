import Testing
@testable import SiteControl

@Suite struct SchemaTests {
    @Test("migrations are numbered without a gap")
    func numbers() {
        #expect(SiteControlService.definition.migrations.map(\.number) == Array(1...SiteControlService.definition.migrations.count))
    }
}
