/// The text of an error for logs and stderr; escape it before it is shown.
enum FailureText {
    /// What the error says of itself, at most 1,000 characters. Errors of this workspace keep secrets out of
    /// their descriptions.
    static func of(_ error: any Error) -> String {
        let text = String(describing: error)
        return text.count > 1000 ? String(text.prefix(1000)) + "…" : text
    }
}
