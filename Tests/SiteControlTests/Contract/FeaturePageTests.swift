import Foundation
import SiteControlDomain
import Testing

/// The pages of `contracts/features`, and the matrix that is rendered into `contracts/README.md`.
@Suite struct FeaturePageTests {
    let traceability: Traceability

    init() throws { traceability = try Traceability.shared.get() }

    @Test("there is a page for each feature and for nothing else")
    func pages() throws {
        let folder = SiteContract.folder.appendingPathComponent("features")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(files) == Set(Feature.allCases.map { "\($0.rawValue).md" }))
        #expect(traceability.features == Feature.allCases.map(\.rawValue))
    }

    @Test("a page fits a screen and says all that it has to", arguments: Feature.allCases)
    func page(_ feature: Feature) throws {
        let page = try traceability.page(feature.rawValue)
        #expect(page.hasPrefix("# \(feature.rawValue)\n"))
        #expect(page.split(separator: "\n", omittingEmptySubsequences: false).count <= 50)
        for heading in ["Problem", "Operations", "Job types", "States", "Acceptance", "Tests"] {
            #expect(!page.section(heading).trimmingCharacters(in: .whitespacesAndNewlines).isEmpty, "\(heading)")
        }
        // Its own, and no more.
        let operations = page.section("Operations").matches(of: #/\| `(\w+)` \| `[A-Z]+ /#).map { String($0.1) }
        #expect(operations == traceability.served.filter { $0.feature == feature.rawValue }.map(\.operation))
        let jobs = page.section("Job types").matches(of: #/- `(\w+)`, playbook/#).map { String($0.1) }
        #expect(jobs == traceability.jobs.filter { $0.feature == feature.rawValue }.map(\.type))
    }

    @Test("a test that a page names is there", arguments: Feature.allCases)
    func tests(_ feature: Feature) throws {
        let section = try traceability.page(feature.rawValue).section("Tests")
        let files = section.matches(of: #/`([\w/]+\.(?:swift|py|md))`/#).map { String($0.1) }
        #expect(!files.isEmpty)
        for name in files {
            let file = SiteContract.root.appendingPathComponent("Tests/\(name)")
            #expect(FileManager.default.fileExists(atPath: file.path), "\(name)")
        }
        // Stories of the end-to-end tests go by the names of their functions.
        for line in section.split(separator: "\n") where line.hasPrefix("- end to end") {
            for story in line.matches(of: #/`(\w+)`/#).map({ String($0.1) }) {
                #expect(Self.stories.contains("def \(story)(world"), "\(story)")
            }
        }
    }

    private static let stories: String = {
        let folder = SiteContract.root.appendingPathComponent("Tests/EndToEnd/e2e")
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.compactMap { try? String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8) }.joined()
    }()

    @Test("the matrix of contracts/README.md is what traceability.yaml says")
    func rendered() throws {
        let script = SiteContract.root.appendingPathComponent("scripts/lib/render_traceability.py")
        let (status, said) = try Python.run([script.path, "--check"])
        #expect(status == 0, "\(said)")
    }
}
