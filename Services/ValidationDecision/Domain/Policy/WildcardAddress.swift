enum WildcardAddress {
    static func isBound(byEntry text: String) -> Bool { false }
    static func isBound(byAddress text: String) -> Bool { false }
}
