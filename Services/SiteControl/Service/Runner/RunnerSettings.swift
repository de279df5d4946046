import EventLoop
import Glibc
import ServiceKit
import SiteControlDomain

/// What the runner needs to know of the installation.
struct RunnerSettings: Sendable {
    /// Something that is needed to run jobs is not there.
    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    var ansible: AnsibleCommand
    var ssh: SSHCommand
    var scratchRoot: String
    var installation: RunVariables.Installation
    /// Between TERM and KILL. What a worker must stop because its lease ends is gone before the lease is: it begins a third of
    /// the lease ahead, and this is half of that.
    var stopGrace: Duration

    /// - Throws: ``Unusable`` where a program or a directory cannot be found.
    init(_ configuration: Configuration, environment: [String: String] = ProcessEnvironment.current()) throws(Unusable) {
        let path = environment["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        guard let directory = configuration[ServiceVariables.ansibleDirectory] ?? Self.installedDirectory() else {
            throw Unusable(description: "\(ServiceVariables.ansibleDirectory.name) is not set, and no deploy/ansible is beside the program")
        }
        stopGrace = min(RunnerLimits.stopGrace, configuration[ServiceVariables.jobLease] / 6)
        ansible = AnsibleCommand(
            program: try Self.find(configuration[ServiceVariables.ansiblePlaybook], ServiceVariables.ansiblePlaybook.name, path),
            directory: directory, path: path, stopGrace: stopGrace)
        ssh = SSHCommand(
            program: try Self.find(configuration[ServiceVariables.ssh], ServiceVariables.ssh.name, path), path: path)
        scratchRoot = Self.scratchRoot(configuration[ServiceVariables.scratchDirectory], environment)
        installation = RunVariables.Installation(configuration)
    }

    /// Playbooks of the registry that are not there.
    var missingPlaybooks: [String] {
        JobType.allCases.map(ansible.playbook).filter { access($0, R_OK) != 0 }
    }

    static func scratchRoot(_ given: String?, _ environment: [String: String]) -> String {
        if let given { return given }
        // Several directories may be named, separated by colons; the first is ours.
        if let runtime = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first { return runtime + "/jobs" }
        let temporary = environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        return "\(temporary)/site-control-\(geteuid())"
    }

    /// The absolute path of a program that is given by path or by name.
    private static func find(_ program: String, _ variable: String, _ path: String) throws(Unusable) -> String {
        if program.contains("/") {
            guard program.hasPrefix("/") else { throw Unusable(description: "\(variable) must be a name or an absolute path") }
            guard access(program, X_OK) == 0 else { throw Unusable(description: "\(variable): \(program) cannot be run") }
            return program
        }
        for directory in path.split(separator: ":") where directory.hasPrefix("/") {
            let candidate = "\(directory)/\(program)"
            if access(candidate, X_OK) == 0 { return candidate }
        }
        throw Unusable(description: "\(variable): there is no \(program) on PATH")
    }

    /// `deploy/ansible` in a folder above the executable: of an installation, or of a checkout that was built in place.
    private static func installedDirectory() -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { return nil }
        var folder = PrivateFile.parent(of: String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
        while folder != "/" {
            let candidate = folder + "/deploy/ansible"
            if access(candidate + "/playbooks", F_OK) == 0 { return candidate }
            folder = PrivateFile.parent(of: folder)
        }
        return nil
    }
}

extension RunVariables.Installation {
    init(_ configuration: Configuration) {
        wordPressSource = configuration[ServiceVariables.wordPressSource] ?? ""
        wordPressChecksum = configuration[ServiceVariables.wordPressChecksum] ?? ""
        acmeServer = configuration[ServiceVariables.acmeServer] ?? ""
        acmeEmail = configuration[ServiceVariables.acmeEmail] ?? ""
        allowsInsecureSources = configuration[ServiceVariables.importSchemes].contains("http")
        s3Endpoint = configuration[CommonVariables.s3Endpoint] ?? ""
        s3Region = configuration[CommonVariables.s3Region] ?? (s3Endpoint.isEmpty ? "" : "us-east-1")
        s3Bucket = configuration[ServiceVariables.backupBucket] ?? ""
        s3AccessKeyID = configuration[CommonVariables.s3AccessKeyID] ?? ""
        s3SecretAccessKey = configuration[CommonVariables.s3SecretAccessKey] ?? ""
    }
}
