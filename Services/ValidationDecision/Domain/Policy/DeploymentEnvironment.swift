/// The environments a manifest may name, spelled exactly so.
public enum DeploymentEnvironment: String, CaseIterable, Sendable, Hashable {
    case prod
    case staging
}
