/// The life of a permission to upload one artifact. Past its time, ISSUED and UPLOADED are worth nothing.
public enum CapabilityState: String, Sendable, CaseIterable {
    case issued = "ISSUED"
    case uploaded = "UPLOADED"
    /// A build was registered with it.
    case used = "USED"
}
