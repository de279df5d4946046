/// What an operator may set (reference 8.12).
enum SettingKey: String, CaseIterable, Sendable {
    /// Host name of the panel.
    case controlPlaneDomain = "control_plane_domain"
    /// Preview URLs lie below it.
    case previewDomain = "preview_domain"
    /// Of certbot: `cloudflare`.
    case dns01Provider = "dns01_provider"
    /// In the secret store; the row has a reference.
    case dns01Credentials = "dns01_credentials_json"
}
