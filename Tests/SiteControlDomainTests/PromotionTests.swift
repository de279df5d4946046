import SiteControlDomain
import Testing

@Suite struct PromotionTests {
    private let freshness = Freshness(maxAge: .seconds(3600))
    private let minute: Int64 = 60_000_000

    @Test("fresh is what is young enough, and younger than the last change")
    func fresh() {
        let now = 1_000 * minute
        #expect(freshness.holds(now - 60 * minute, lastChange: nil, now: now))
        #expect(!freshness.holds(now - 60 * minute - 1, lastChange: nil, now: now))
        #expect(freshness.holds(now - minute, lastChange: now - 2 * minute, now: now))
        #expect(!freshness.holds(now - 2 * minute, lastChange: now - minute, now: now))
        #expect(!freshness.holds(nil, lastChange: nil, now: now))
    }

    @Test("both gates have to be open, the drift's is told first")
    func gates() {
        let now = 1_000 * minute
        func verdict(_ status: DriftStatus, _ checked: Int64?, _ backedUp: Int64?, _ change: Int64? = nil) -> PromotionGates.Verdict {
            PromotionGates(driftStatus: status, checkedAt: checked, backedUpAt: backedUp, lastChange: change)
                .verdict(freshness, now: now)
        }
        #expect(verdict(.clean, now, now) == .open)
        #expect(verdict(.clean, now, nil) == .backupGateUnmet)
        #expect(verdict(.clean, now, now - 61 * minute) == .backupGateUnmet)
        for status in [DriftStatus.unknown, .drifted] { #expect(verdict(status, now, now) == .driftGateUnmet) }
        #expect(verdict(.clean, nil, nil) == .driftGateUnmet)
        #expect(verdict(.clean, now - 2 * minute, now, now - minute) == .driftGateUnmet)
        #expect(verdict(.clean, now, now - 2 * minute, now - minute) == .backupGateUnmet)
    }

    @Test("drift is any difference, and the lack of anything to compare with")
    func drift() {
        func measured(_ rows: Int, _ table: String = "wp_posts", files: Int = 1) -> ProtectedChecksums {
            ProtectedChecksums(
                tables: [table: .init(rows: rows, checksum: "a")], trees: ["wp-content/uploads": .init(files: files, checksum: "b")])
        }
        #expect(DriftComparison(baseline: measured(1), now: measured(1)).status == .clean)
        #expect(DriftComparison(baseline: nil, now: measured(1)).status == .drifted)
        let rows = DriftComparison(baseline: measured(1), now: measured(2))
        #expect(rows.status == .drifted && rows.tables == ["wp_posts"] && rows.paths.isEmpty)
        #expect(DriftComparison(baseline: measured(1), now: measured(1, files: 2)).paths == ["wp-content/uploads"])
        #expect(DriftComparison(baseline: measured(1), now: measured(1, "wp_terms")).tables == ["wp_posts", "wp_terms"])
    }

    @Test("commerce protects all that content does, and both storages of orders")
    func presets() {
        let (content, commerce) = (Set(PromotionPreset.contentProtect.protectedTables), Set(PromotionPreset.commerceProtect.protectedTables))
        #expect(content.isSuperset(of: ["posts", "postmeta", "terms", "term_taxonomy", "term_relationships", "comments", "commentmeta"]))
        #expect(content.isSuperset(of: ["users", "usermeta", "termmeta"]))
        #expect(commerce.isStrictSuperset(of: content))
        #expect(
            commerce.isSuperset(of: [
                "woocommerce_orders", "woocommerce_order_items", "woocommerce_order_itemmeta", "wc_customer_lookup", "wc_order_stats",
                "wc_orders", "wc_orders_meta", "wc_order_addresses", "wc_order_operational_data",
            ]))
        for preset in PromotionPreset.allCases {
            #expect(preset.protectedPaths == ["wp-content/uploads"])
            #expect(Set(preset.protectedTables).count == preset.protectedTables.count)
        }
    }
}
