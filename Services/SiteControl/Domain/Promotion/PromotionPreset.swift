/// What a promotion must never overwrite.
public enum PromotionPreset: String, CaseIterable, Sendable {
    case contentProtect = "content-protect"
    case commerceProtect = "commerce-protect"

    private static let content = [
        "posts", "postmeta", "terms", "termmeta", "term_taxonomy", "term_relationships", "comments", "commentmeta", "users",
        "usermeta",
    ]

    /// The order tables of both storages of WooCommerce, and what hangs on them.
    private static let commerce = [
        "woocommerce_orders", "woocommerce_order_items", "woocommerce_order_itemmeta", "wc_customer_lookup",
        "wc_order_stats", "wc_orders", "wc_orders_meta", "wc_order_addresses", "wc_order_operational_data",
        "wc_order_product_lookup", "wc_order_tax_lookup", "wc_order_coupon_lookup", "wc_download_log",
        "woocommerce_downloadable_product_permissions", "woocommerce_payment_tokens", "woocommerce_payment_tokenmeta",
    ]

    /// Table names without the environment's prefix. One that does not exist is skipped.
    public var protectedTables: [String] {
        switch self {
        case .contentProtect: Self.content
        case .commerceProtect: Self.content + Self.commerce
        }
    }

    /// Paths within a release.
    public var protectedPaths: [String] { ["wp-content/uploads"] }
}
