import Encoding
import TestSupport
import Testing

/// Section 4.2: which state blocks which operation; and the guard against two open jobs of one site.
@Suite(.serialized) struct StateConformanceTests {
    let panel: Panel

    init() async throws { panel = try await Panel.shared() }

    enum Needs: Sendable { case anything, active, activeOrFailed }

    /// A row of 4.2. `path` is the environment that the call names or, for a site's call, the one that it works on.
    struct Row: Sendable, CustomTestStringConvertible {
        let template: String
        let site: Needs
        let path: Needs
        /// Production, where the call names an environment made from it.
        var production = Needs.anything
        var testDescription: String { template }
    }

    static let rows: [Row] = [
        Row(template: "/api/sites/{id}/environments", site: .active, path: .active),
        Row(template: "/api/sites/{id}/import", site: .active, path: .active),
        Row(template: "/api/environments/{id}/deploy", site: .active, path: .active),
        Row(template: "/api/environments/{id}/updates", site: .active, path: .active),
        Row(template: "/api/environments/{id}/restore", site: .active, path: .active),
        Row(template: "/api/environments/{id}/promote", site: .active, path: .active, production: .active),
        Row(template: "/api/environments/{id}/drift-check", site: .anything, path: .active, production: .active),
        Row(template: "/api/environments/{id}/cache", site: .anything, path: .active),
        Row(template: "/api/environments/{id}/cache/purge", site: .anything, path: .active),
        Row(template: "/api/environments/{id}/domains", site: .anything, path: .active),
        Row(template: "/api/domains/{id}", site: .anything, path: .active),
        Row(template: "/api/environments/{id}/backups", site: .anything, path: .activeOrFailed),
    ]

    static let states = ["active", "cloning", "deploying", "restoring", "failed"]

    private func allows(_ needs: Needs, _ state: String) -> Bool {
        switch needs {
        case .anything: true
        case .active: state == "active"
        case .activeOrFailed: state == "active" || state == "failed"
        }
    }

    /// The call of a row on a site's staging environment, with all else in order.
    private func call(_ row: Row, _ site: SeededSite) async throws -> Answer {
        let operation = try #require(Operation.async.first { $0.template == row.template && !$0.isRead })
        let id =
            switch operation.path {
            case .site: site.site
            case .domain: try await panel.seedDomain(site.staging, "\(site.slug).example")
            default: site.staging
            }
        if row.template.hasSuffix("/promote") {
            try await panel.seedDrift(site.staging, "clean")
            try await panel.seedBackup(site.production)
        }
        let backup = row.template.hasSuffix("/restore") ? try await panel.seedBackup(site.staging) : ""
        let body = operation.body?.replacing("BACKUP", with: backup).replacing("TARGET", with: site.production)
            .replacing("HOSTNAME", with: "new-\(site.slug).example")
        return try await panel.send(operation.method, operation.target(id), body)
    }

    @Test("each operation is taken or refused by the states of site and environment", arguments: rows, states)
    func environmentState(_ row: Row, _ state: String) async throws {
        // A site's call works on production: as source of the new environment, or as what is imported into.
        let onProduction = row.template.hasPrefix("/api/sites/")
        let site = try await panel.seed(production: onProduction ? state : "active", staging: onProduction ? "active" : state)
        let answer = try await call(row, site)
        if allows(row.path, state) {
            #expect(answer.status == 202, "\(answer.text)")
        } else {
            answer.expectError(409, "conflict", "environment_state", "\(row.template) \(state)")
            #expect(try await panel.count("jobs WHERE site_id = '\(site.site)'") == 0)
        }
    }

    @Test("each operation is taken or refused by the state of the site", arguments: rows, states)
    func siteState(_ row: Row, _ state: String) async throws {
        let site = try await panel.seed(site: state)
        let answer = try await call(row, site)
        if allows(row.site, state) {
            #expect(answer.status == 202, "\(answer.text)")
        } else {
            answer.expectError(409, "conflict", "site_not_active", "\(row.template) \(state)")
            #expect(try await panel.count("jobs WHERE site_id = '\(site.site)'") == 0)
        }
    }

    @Test("promotion and drift check need production to be active as well", arguments: rows.filter { $0.production == .active }, states)
    func productionState(_ row: Row, _ state: String) async throws {
        let answer = try await call(row, try await panel.seed(production: state))
        if state == "active" {
            #expect(answer.status == 202, "\(answer.text)")
        } else {
            answer.expectError(409, "conflict", "environment_state", "\(row.template) \(state)")
        }
    }

    @Test("magic login needs an active environment, whatever the site is", arguments: states)
    func magicLogin(_ state: String) async throws {
        let site = try await panel.seed(site: "failed", staging: state)
        let answer = try await panel.send("POST", "/api/environments/\(site.staging)/magic-login")
        if state == "active" {
            #expect(answer.status == 200, "\(answer.text)")
        } else {
            answer.expectError(409, "environment_not_active")
        }
    }

    @Test("everything can be read in any state", arguments: states)
    func reads(_ state: String) async throws {
        let site = try await panel.seed(site: state, production: state, staging: state)
        for target in ["sites/\(site.site)", "sites/\(site.site)/environments", "environments/\(site.staging)", "environments/\(site.staging)/backups", "environments/\(site.staging)/domains"] {
            #expect(try await panel.send("GET", "/api/\(target)").status == 200)
        }
    }

    @Test("an open job of the site refuses every further one, wherever it works", arguments: rows, ["queued", "running"])
    func busy(_ row: Row, _ status: String) async throws {
        let site = try await panel.seed()
        let open = try await panel.seedJob("cache_purge", site: site.site, environment: site.production, status: status)
        try await call(row, site).expectError(409, "conflict", "site_busy", "\(row.template) \(status)")
        let jobs = try await panel.rows("SELECT id FROM jobs WHERE site_id = '\(site.site)'")
        #expect(jobs.map { $0["id"]?.string } == [open])
    }

    @Test("a job that waits for its next attempt keeps the site busy; a finished one does not", arguments: rows)
    func retrying(_ row: Row) async throws {
        let site = try await panel.seed()
        let job = try await panel.seedJob("cache_purge", site: site.site, environment: site.production, status: "running")
        try await panel.execute(
            """
            UPDATE jobs SET status = 'queued', run_after = now() + interval '1 hour', error_code = 'ANSIBLE_PLAY_ERROR', error_message = 'x',
              locked_by = NULL, locked_at = NULL, lease_expires_at = NULL WHERE id = '\(job)'
            """)
        try await call(row, site).expectError(409, "conflict", "site_busy", row.template)
        let free = try await panel.seed()
        for status in ["succeeded", "failed", "cancelled"] {
            try await panel.seedJob("cache_purge", site: free.site, environment: free.production, status: status)
        }
        let answer = try await call(row, free)
        if !row.template.hasSuffix("/promote") { #expect(answer.status == 202, "\(answer.text)") }
    }

    @Test("jobs of another site on the same node are no conflict")
    func otherSite() async throws {
        let (one, two) = (try await panel.seed(), try await panel.seed())
        try await panel.accept("POST", "/api/environments/\(one.staging)/cache/purge")
        try await panel.accept("POST", "/api/environments/\(two.staging)/cache/purge")
    }

    @Test("of 100 mutations at once on one site one is taken, the others are refused as busy, and nothing is half done")
    func hundred() async throws {
        let site = try await panel.seed()
        let backup = try await panel.seedBackup(site.staging)
        let panel = panel
        let bodies: [(String, String, String?)] = [
            ("POST", "/api/environments/\(site.staging)/deploy", #"{"source_type":"git","source_ref":"https://git.example/a"}"#),
            ("POST", "/api/environments/\(site.staging)/restore", #"{"backup_id":"\#(backup)"}"#),
            ("POST", "/api/environments/\(site.production)/backups", #"{"backup_scope":"full"}"#),
            ("POST", "/api/sites/\(site.site)/environments", #"{"name":"C","slug":"c","type":"clone","promotion_preset":"content-protect"}"#),
            ("POST", "/api/environments/\(site.staging)/domains", #"{"hostname":"\#(site.slug).example"}"#),
        ]
        let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
            for number in 0..<100 {
                let (method, target, body) = bodies[number % bodies.count]
                group.addTask { try await panel.send(method, target, body) }
            }
            return try await group.reduce(into: [Answer]()) { $0.append($1) }
        }
        #expect(answers.filter { $0.status == 202 }.count == 1)
        for answer in answers where answer.status != 202 { answer.expectError(409, "conflict", "site_busy") }
        let job = try await panel.row("SELECT * FROM jobs WHERE site_id = '\(site.site)'")
        let type = job["job_type"]?.string
        let made = try await panel.counts(of: site)
        // The one that was there before, and what the one job brought with it.
        #expect(made["backups"]?.int == 1 + (["env_restore", "backup_create"].contains(type) ? 1 : 0))
        #expect(made["environments"]?.int == 2 + (type == "env_create" ? 1 : 0))
        #expect(made["domains"]?.int == (type == "domain_add" ? 1 : 0))
        #expect(try await panel.count("audit_logs WHERE job_id = '\(job["id"]?.string ?? "")'") == 1)
    }
}
