enum InlineSecretSearch {
    static func findAll(in config: AppConfig, _ broken: inout Findings) {}
}
