import Encoding
import ServiceKit
import SiteControlDomain

/// What this service may be told beyond the variables that all services share. The names are binding.
enum ServiceVariables {
    // What runs on nodes.
    static let ansiblePlaybook = Variable<String>.defaulted(
        "TRIVET_ANSIBLE_PLAYBOOK", .text, to: "ansible-playbook", help: "the ansible-playbook to run: a path, or a name on PATH")
    static let ssh = Variable<String>.defaulted(
        "TRIVET_SSH", .text, to: "ssh", help: "the ssh of node queries: a path, or a name on PATH")
    static let ansibleDirectory = Variable<String?>.optional(
        "TRIVET_ANSIBLE_DIRECTORY", .absolutePath, help: "directory of playbooks and roles (deploy/ansible of the installation)")
    static let nodeQueryTimeout = milliseconds(
        "TRIVET_NODE_QUERY_TIMEOUT_MS", "10000", "time for one query of a node in all, milliseconds")
    static let wordPressSource = Variable<String?>.optional(
        "TRIVET_WORDPRESS_SOURCE", .text, help: "archive of WordPress that new sites get: a URL or a path")
    static let wordPressChecksum = Variable<String?>.optional(
        "TRIVET_WORDPRESS_SHA256", .hexDigest, help: "SHA-256 of that archive, 64 hexadecimal digits")
    static let acmeServer = Variable<String?>.optional(
        "TRIVET_ACME_SERVER", .httpURL, help: "directory URL of the certificate authority (Let's Encrypt)")
    static let acmeEmail = Variable<String?>.optional(
        "TRIVET_ACME_EMAIL", .text, help: "address that the certificate authority writes to")
    static let importSchemes = Variable<[String]>.defaulted(
        "TRIVET_IMPORT_SCHEMES", .schemes, to: "https",
        help: "schemes that an import's archive_url may have: https, http, s3, separated by commas")

    // Secrets and scratch.
    static let secretsDirectory = Variable<String>.required(
        "TRIVET_SECRETS_DIRECTORY", .absolutePath, help: "directory of the encrypted secrets")
    static let secretsKey = Variable<SecretsKey?>.optional(
        "TRIVET_SECRETS_KEY", SecretsKey.parser, disclosure: .secret,
        help: "key of the secrets: 32 bytes, base64 (master.key in the secrets' directory if not set)")
    static let scratchDirectory = Variable<String?>.optional(
        "TRIVET_SCRATCH_DIRECTORY", .absolutePath, help: "where each attempt gets a private folder (the runtime directory)")

    // Jobs.
    static let workers = count("TRIVET_WORKERS", 0...256, "4", "jobs that this process runs at once; 0 for none")
    static let jobTimeout = seconds("TRIVET_JOB_TIMEOUT_SECONDS", "1800", "time for one attempt, seconds")
    static let jobMaxAttempts = count("TRIVET_JOB_MAX_ATTEMPTS", 1...100, "3", "executions of a job in all")
    static let jobBackoff = Variable<[Duration]>.defaulted(
        "TRIVET_JOB_BACKOFF_SECONDS", .waits, to: "60,300,900",
        help: "waiting times after the first, second, … failed attempt, seconds, separated by commas")
    static let jobLease = seconds("TRIVET_JOB_LEASE_SECONDS", "30", "how long a job belongs to a worker that is silent, seconds")
    static let jobReaper = seconds("TRIVET_JOB_REAPER_SECONDS", "10", "time between two looks for lost jobs, seconds")
    static let jobPollInterval = milliseconds(
        "TRIVET_JOB_POLL_INTERVAL_MS", "2000", "time between two looks for due jobs where nothing wakes the worker, milliseconds")
    static let scheduler = seconds("TRIVET_SCHEDULER_SECONDS", "21600", "time between two rounds of the scheduler, seconds")

    // Rules.
    static let sessionLifetime = seconds("TRIVET_SESSION_SECONDS", "86400", "how long a session lasts, seconds")
    static let backupBucket = Variable<String?>.optional(
        "TRIVET_BACKUP_BUCKET", .bucket, help: "bucket of backups; they are refused if not set")
    static let backupRetention = seconds("TRIVET_BACKUP_RETENTION_SECONDS", "2592000", "how long backups are kept, seconds")
    static let promotionFreshness = seconds(
        "TRIVET_PROMOTION_FRESHNESS_SECONDS", "3600", "age up to which a drift check and a backup allow a promotion, seconds")

    static let defaultPort = 8081

    static let schema = ConfigurationSchema(
        [
            ansiblePlaybook.declared, ssh.declared, ansibleDirectory.declared, nodeQueryTimeout.declared,
            wordPressSource.declared, wordPressChecksum.declared, acmeServer.declared, acmeEmail.declared,
            importSchemes.declared, secretsDirectory.declared, secretsKey.declared, scratchDirectory.declared,
            workers.declared, jobTimeout.declared, jobMaxAttempts.declared, jobBackoff.declared, jobLease.declared,
            jobReaper.declared, jobPollInterval.declared, scheduler.declared, sessionLifetime.declared,
            backupBucket.declared, backupRetention.declared, promotionFreshness.declared,
        ],
        rules: [
            { configuration in
                guard configuration[backupBucket] != nil, configuration[CommonVariables.s3Endpoint] == nil,
                    configuration[CommonVariables.objectStoreRoot] == nil
                else { return [] }
                return ["\(backupBucket.name) needs an object store: \(CommonVariables.s3Endpoint.name) or \(CommonVariables.objectStoreRoot.name)"]
            },
            { configuration in
                guard configuration[wordPressChecksum] != nil, configuration[wordPressSource] == nil else { return [] }
                return ["\(wordPressChecksum.name) needs \(wordPressSource.name)"]
            },
        ])

    private static func milliseconds(_ name: String, _ fallback: String, _ help: String) -> Variable<Duration> {
        .defaulted(name, .milliseconds(in: 1...86_400_000), to: fallback, help: help)
    }

    private static func seconds(_ name: String, _ fallback: String, _ help: String) -> Variable<Duration> {
        .defaulted(name, .seconds(in: 1...315_360_000), to: fallback, help: help)
    }

    private static func count(_ name: String, _ range: ClosedRange<Int>, _ fallback: String, _ help: String) -> Variable<Int> {
        .defaulted(name, .integer(in: range), to: fallback, help: help)
    }
}

/// The key that secrets are encrypted under.
struct SecretsKey: Sendable {
    static let length = 32
    let bytes: [UInt8]

    static let parser = ValueParser<SecretsKey>(expected: "32 bytes in base64") { text in
        guard let bytes = Base64.decode(text) ?? Base64.decode(text, .url), bytes.count == length else { return nil }
        return SecretsKey(bytes: bytes)
    }
}

extension ValueParser where Value == [Duration] {
    /// `60,300,900`: whole seconds.
    fileprivate static var waits: Self {
        let one = ValueParser<Duration>.seconds(in: 0...86_400)
        return ValueParser(expected: "whole numbers of seconds separated by commas") { text in
            let words = text.split(separator: ",", omittingEmptySubsequences: false)
            let waits = words.compactMap { one.parse(String($0)) }
            return waits.count == words.count ? waits : nil
        }
    }
}

extension ValueParser where Value == String {
    fileprivate static var hexDigest: Self {
        ValueParser(expected: "64 hexadecimal digits") { text in
            Hex.decode(text).flatMap { $0.count == 32 ? text.lowercased() : nil }
        }
    }

    /// As S3 names them, so that the name can stand in a path.
    fileprivate static var bucket: Self {
        ValueParser(expected: "a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens") { text in
            let isPlain = text.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E
            }
            return isPlain && (3...63).contains(text.utf8.count) && text.first?.isLetterOrDigit == true ? text : nil
        }
    }
}

extension ValueParser where Value == [String] {
    fileprivate static var schemes: Self {
        ValueParser(expected: "some of \(ArchiveURL.schemes.joined(separator: ", ")), separated by commas") { text in
            let words = ValueParser<[String]>.list.parse(text) ?? []
            return !words.isEmpty && words.allSatisfy(ArchiveURL.schemes.contains) ? words : nil
        }
    }
}

extension Character {
    fileprivate var isLetterOrDigit: Bool { isLetter || isNumber }
}
