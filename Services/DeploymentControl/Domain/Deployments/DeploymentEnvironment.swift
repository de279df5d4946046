/// Where a deployment runs. There is one.
public enum DeploymentEnvironment: String, Sendable, CaseIterable {
    case sandbox
}
