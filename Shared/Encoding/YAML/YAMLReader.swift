/// Reads one YAML document with the core schema of YAML 1.2.2, strictly, as input of a policy: whatever two readers could
/// take differently is refused rather than guessed. See `YAMLError.Kind` for the list.
///
/// libyaml does the grammar (its events, not its documents). `%YAML 1.1` is accepted as §6.8.1 demands, and resolved as 1.2.
public enum YAMLReader {
    public static func parse(
        _ bytes: UnsafeRawBufferPointer, limits: YAMLLimits = .standard
    ) throws(YAMLError) -> YAMLNode {
        let text = try YAMLText.check(bytes, bytesMax: limits.bytesMax)
        var loader = YAMLLoader(limits: limits)
        let events = try YAMLEventSource(text)
        while let (event, position) = try events.next() {
            try loader.take(event, at: position)
        }
        return try loader.finish()
    }

    public static func parse(_ bytes: [UInt8], limits: YAMLLimits = .standard) throws(YAMLError) -> YAMLNode {
        try bytes.span.bytes.withUnsafeBytes { (raw) throws(YAMLError) in try parse(raw, limits: limits) }
    }

    public static func parse(_ text: String, limits: YAMLLimits = .standard) throws(YAMLError) -> YAMLNode {
        try parse([UInt8](text.utf8), limits: limits)
    }
}
