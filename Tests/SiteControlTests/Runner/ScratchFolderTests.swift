import EventLoop
import Foundation
import Glibc
import TestSupport
import Testing
@testable import SiteControl

@Suite struct ScratchFolderTests {
    @Test("a folder and its files are their owner's alone")
    func modes() throws {
        try TestFolder.with { root in
            let scratch = try ScratchFolder(below: root + "/jobs")
            try scratch.write(scratch.key, [1])
            #expect(TestFolder.mode(root + "/jobs") == 0o700)
            #expect(TestFolder.mode(scratch.path) == 0o700 && TestFolder.mode(scratch.temporary) == 0o700)
            for file in [scratch.key, scratch.events, scratch.path + "/lock"] { #expect(TestFolder.mode(file) == 0o600) }
            scratch.remove()
            #expect(!TestFolder.exists(scratch.path))
        }
    }

    @Test("a root that others have made, or may write to, is not used")
    func foreignRoot() throws {
        try TestFolder.with { folder in
            let root = folder + "/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            for mode: mode_t in [0o777, 0o770, 0o1777] {
                chmod(root, mode)
                #expect(throws: PrivateFile.Failure.self) { try ScratchFolder(below: root) }
            }
            chmod(root, 0o755)
            try ScratchFolder(below: root).remove()
            try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: root)
            #expect(throws: PrivateFile.Failure.self) { try ScratchFolder(below: folder + "/link") }
            guard geteuid() == 0 else { return }
            chown(root, 12_345, 12_345)
            #expect(throws: PrivateFile.Failure.self) { try ScratchFolder(below: root) }
        }
    }

    @Test("at the start, folders of dead workers go with their processes; those of live ones stay")
    func leftovers() async throws {
        try await TestFolder.with { root in
            let live = try ScratchFolder(below: root)
            let dead = root + "/a-dead"
            try FileManager.default.createDirectory(atPath: dead + "/tmp/deep", withIntermediateDirectories: true)
            try TestFolder.write(dead + "/lock", [])
            try FileManager.default.createSymbolicLink(atPath: dead + "/link", withDestinationPath: live.path)
            try FileManager.default.createDirectory(atPath: root + "/unrelated", withIntermediateDirectories: true)
            let command = ChildCommand("/bin/sleep", ["600"], environment: ["HOME": dead])
            let sleeping = Task { try await TestLoops.run { try await ChildProcess.run(command, outputBytesMax: 0) { _, _ in } } }
            while ProcessSweep.processes(belongingTo: dead).isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            #expect(ScratchFolder.removeLeftovers(below: root) == 1)
            #expect(try await sleeping.value.exit == .signalled(SIGKILL))
            #expect(TestFolder.list(root) == [String(live.path.dropFirst(root.count + 1)), "unrelated"].sorted())
            live.remove()
            #expect(ScratchFolder.removeLeftovers(below: root) == 0)
        }
    }
}
