/// Finds secrets written into a configuration.
///
/// (a) A string that is not blank and no reference, under a key whose name says that it holds a secret; in a sequence
/// under such a key each string counts. `secrets_ref` is no such key. (b) A credential recognised by its form, in
/// any string and in any key. The reasons name paths, never values; a key that is a credential itself is not shown.
enum InlineSecretSearch {
    static func findAll(in config: AppConfig, _ broken: inout Findings) {
        // Counting needs no path and no order, and most configurations hold nothing.
        guard contains(config.document, isUnderSecretKey: false) else { return }
        var path = DocumentPath()
        visit(config.document, isUnderSecretKey: false, &path, &broken)
    }

    private static func contains(_ value: DocumentValue, isUnderSecretKey: Bool) -> Bool {
        switch value {
        case .string(let text): isSecret(text, isUnderSecretKey)
        case .sequence(let items): items.contains { contains($0, isUnderSecretKey: isUnderSecretKey) }
        case .mapping(let entries):
            entries.contains { entry in
                CredentialScanner.containsCredential(entry.key)
                    || contains(entry.value, isUnderSecretKey: SecretKeyName.matches(entry.key))
            }
        case .null, .bool, .integer, .float: false
        }
    }

    /// Entries in the order of their keys, so that the order in the file does not show.
    private static func visit(
        _ value: DocumentValue, isUnderSecretKey: Bool, _ path: inout DocumentPath, _ broken: inout Findings
    ) {
        switch value {
        case .string(let text):
            if isSecret(text, isUnderSecretKey) { broken.add(.secretsInline, path.description) }
        case .sequence(let items):
            for (index, item) in items.enumerated() {
                path.push(index: index)
                visit(item, isUnderSecretKey: isUnderSecretKey, &path, &broken)
                path.pop()
            }
        case .mapping(let entries):
            for entry in entries.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
                path.push(key: entry.key)
                if CredentialScanner.containsCredential(entry.key) {
                    broken.add(.secretsInline, "\(path) (the key itself)")
                }
                visit(entry.value, isUnderSecretKey: SecretKeyName.matches(entry.key), &path, &broken)
                path.pop()
            }
        case .null, .bool, .integer, .float: break
        }
    }

    private static func isSecret(_ text: String, _ isUnderSecretKey: Bool) -> Bool {
        if isUnderSecretKey, !isBlank(text), !SecretReference.matches(text) { return true }
        return CredentialScanner.containsCredential(text)
    }
}
