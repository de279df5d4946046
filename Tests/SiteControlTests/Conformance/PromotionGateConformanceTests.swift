import Encoding
import TestSupport
import Testing

/// The two gates of a promotion (8.5), which nobody can pass by.
@Suite(.serialized) struct PromotionGateConformanceTests {
    let panel: Panel

    init() async throws { panel = try await Panel.shared() }

    private func promote(_ site: SeededSite) async throws -> Answer {
        try await panel.send("POST", "/api/environments/\(site.staging)/promote", #"{"target_environment_id":"\#(site.production)"}"#)
    }

    @Test("the drift gate wants a clean check of the last 60 minutes", arguments: [
        ("none", "", false), ("clean", "1 minute", true), ("clean", "59 minutes", true), ("clean", "61 minutes", false),
        ("clean", "3 days", false), ("drifted", "1 minute", false),
    ])
    func drift(_ status: String, _ age: String, _ passes: Bool) async throws {
        let site = try await panel.seed()
        if status != "none" { try await panel.seedDrift(site.staging, status, age: age) }
        try await panel.seedBackup(site.production)
        let answer = try await promote(site)
        if passes { #expect(answer.status == 202, "\(answer.text)") } else { answer.expectError(409, "conflict", "drift_gate_unmet") }
    }

    @Test("a baseline is no check")
    func baseline() async throws {
        let site = try await panel.seed()
        try await panel.seedDrift(site.staging, "unknown", kind: "baseline")
        try await panel.seedBackup(site.production)
        try await promote(site).expectError(409, "conflict", "drift_gate_unmet")
    }

    @Test("a check of another environment does not count")
    func otherCheck() async throws {
        let site = try await panel.seed()
        let third = try await panel.seedBareEnvironment(site)
        try await panel.seedDrift(third, "clean")
        try await panel.seedBackup(site.production)
        try await promote(site).expectError(409, "conflict", "drift_gate_unmet")
    }

    @Test("the backup gate wants a full, completed backup of the target of the last 60 minutes", arguments: [
        ("full", "completed", "1 minute", true), ("full", "completed", "59 minutes", true), ("full", "completed", "61 minutes", false),
        ("db", "completed", "1 minute", false), ("files", "completed", "1 minute", false), ("full", "pending", "1 minute", false),
        ("full", "running", "1 minute", false), ("full", "failed", "1 minute", false), ("full", "expired", "1 minute", false),
    ])
    func backup(_ scope: String, _ status: String, _ age: String, _ passes: Bool) async throws {
        let site = try await panel.seed()
        try await panel.seedDrift(site.staging, "clean")
        try await panel.seedBackup(site.production, scope: scope, status: status, age: age)
        let answer = try await promote(site)
        if passes { #expect(answer.status == 202, "\(answer.text)") } else { answer.expectError(409, "conflict", "backup_gate_unmet") }
    }

    @Test("a backup of the source does not count, and none at all does not either")
    func otherBackup() async throws {
        let site = try await panel.seed()
        try await panel.seedDrift(site.staging, "clean")
        try await promote(site).expectError(409, "conflict", "backup_gate_unmet")
        try await panel.seedBackup(site.staging)
        try await promote(site).expectError(409, "conflict", "backup_gate_unmet")
    }

    /// A job that ended on production between the check and the promotion; whether the gates still hold.
    static let changes: [(String, String, Bool)] = [
        ("env_deploy", "succeeded", false), ("env_update", "succeeded", false), ("env_restore", "failed", false), ("site_import", "succeeded", false),
        ("env_promote", "succeeded", false), ("release_rollback", "succeeded", false), ("env_deploy", "cancelled", false),
        ("backup_create", "succeeded", true), ("drift_check", "succeeded", true), ("cache_purge", "succeeded", true), ("health_check", "succeeded", true),
    ]

    @Test("what changes production after the check or the backup closes the gates", arguments: changes)
    func changed(_ type: String, _ status: String, _ passes: Bool) async throws {
        let site = try await panel.seed()
        try await panel.seedDrift(site.staging, "clean", age: "20 minutes")
        try await panel.seedBackup(site.production, age: "20 minutes")
        try await panel.seedJob(type, site: site.site, environment: site.production, status: status, age: "10 minutes")
        let answer = try await promote(site)
        if passes { #expect(answer.status == 202, "\(answer.text)") } else { answer.expectError(409, "conflict") }
        if !passes { #expect(["drift_gate_unmet", "backup_gate_unmet"].contains(answer.reason), "\(answer.text)") }
        // Made again, both hold.
        guard !passes else { return }
        try await panel.seedDrift(site.staging, "clean", age: "2 minutes")
        try await promote(site).expectError(409, "conflict", "backup_gate_unmet")
        try await panel.seedBackup(site.production, age: "1 minute")
        #expect(try await promote(site).status == 202)
    }

    @Test("what changed production before the check, or another environment after it, is no concern")
    func unrelated() async throws {
        let site = try await panel.seed()
        try await panel.seedDrift(site.staging, "clean", age: "20 minutes")
        try await panel.seedBackup(site.production, age: "20 minutes")
        try await panel.seedJob("env_deploy", site: site.site, environment: site.production, status: "succeeded", age: "30 minutes")
        try await panel.seedJob("env_deploy", site: site.site, environment: site.staging, status: "succeeded", age: "10 minutes")
        let answer = try await promote(site)
        #expect(answer.status == 202, "\(answer.text)")
    }

    @Test("the freshness is what the configuration says")
    func configured() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0", "TRIVET_PROMOTION_FRESHNESS_SECONDS": "60"]) { panel in
            let site = try await panel.seed()
            try await panel.seedDrift(site.staging, "clean", age: "2 minutes")
            try await panel.seedBackup(site.production, age: "2 minutes")
            let body = #"{"target_environment_id":"\#(site.production)"}"#
            try await panel.send("POST", "/api/environments/\(site.staging)/promote", body).expectError(409, "conflict", "drift_gate_unmet")
        }
    }
}
