/// Which pipelines of the engine stand behind a service. Server-side: no request ever names them.
public struct PipelineMapping: Sendable, Hashable {
    public var application: String
    public var deployPipeline: String
    public var rollbackPipeline: String
    /// Address of the runtime controller, handed to the pipeline.
    public var engineURL: String?

    public init(application: String, deployPipeline: String, rollbackPipeline: String, engineURL: String?) {
        self.application = application
        self.deployPipeline = deployPipeline
        self.rollbackPipeline = rollbackPipeline
        self.engineURL = engineURL
    }

    public func pipeline(for kind: DeploymentKind) -> String {
        kind == .rollForward ? deployPipeline : rollbackPipeline
    }
}

/// The artifact of a registered build, as the engine is told of it.
public struct RegisteredArtifact: Sendable, Hashable {
    public var reference: String
    /// 64 hexadecimal digits in lower case.
    public var sha256: String

    public init(reference: String, sha256: String) {
        self.reference = reference
        self.sha256 = sha256
    }
}

/// The parameters of a pipeline run (reference 7.2). No secrets: the engine stores and shows them.
public enum PipelineParameters {
    public static func of(
        _ kind: DeploymentKind, deploymentID: String, service: String, version: String, engineURL: String?,
        artifact: RegisteredArtifact?
    ) -> [(name: String, value: String)] {
        var parameters = [("service", service), ("version", version)]
        if kind == .rollback { parameters.append(("targetVersion", version)) }
        if let artifact {
            parameters.append(("artifactRef", artifact.reference))
            if let (bucket, key) = s3Parts(of: artifact.reference) {
                parameters += [("s3Bucket", bucket), ("s3Key", key)]
            }
            parameters.append(("sha256", artifact.sha256))
        }
        if let engineURL { parameters.append(("engineUrl", engineURL)) }
        parameters.append(("deploymentId", deploymentID))
        return parameters
    }

    private static func s3Parts(of reference: String) -> (String, String)? {
        guard reference.hasPrefix("s3://") else { return nil }
        let rest = reference.dropFirst(5)
        guard let slash = rest.firstIndex(of: "/") else { return nil }
        let key = rest[rest.index(after: slash)...]
        guard slash > rest.startIndex, !key.isEmpty else { return nil }
        return (String(rest[..<slash]), String(key))
    }
}
