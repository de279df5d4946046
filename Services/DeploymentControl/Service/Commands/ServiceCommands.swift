import DeploymentControlDomain
import ServiceKit

/// `service add|list|remove`: the allowlist.
enum ServiceCommands {
    private static let nameParser = ValueParser<ServiceName>(expected: "1 to 63 lower-case letters, digits and hyphens") {
        ServiceName($0)
    }
    private static let name = CommandArgument<ServiceName>("NAME", nameParser, help: "the service")
    private static let application = CommandOption<String>.required(
        "--application", "A", .text, help: "the engine's application")
    private static let deployPipeline = CommandOption<String>.required(
        "--deploy-pipeline", "P", .text, help: "the pipeline that deploys")
    private static let rollbackPipeline = CommandOption<String>.required(
        "--rollback-pipeline", "P", .text, help: "the pipeline that rolls back")
    private static let engineURL = CommandOption<String?>.optional(
        "--engine-url", "U", .httpURL, help: "address of the runtime controller, handed to the pipelines")
    private static let requiresBuild = CommandOption<Bool>.flag(
        "--require-registered-build", help: "only versions that are registered may be deployed")

    static func command(_ schema: ConfigurationSchema) -> ConsoleCommand {
        ConsoleCommand(
            "service", "manages the services that may be deployed",
            subcommands: [
                ConsoleCommand(
                    "add", "allows a service, or gives one new pipelines",
                    options: [
                        application.declared, deployPipeline.declared, rollbackPipeline.declared, engineURL.declared,
                        requiresBuild.declared,
                    ], arguments: [name.declared]
                ) { invocation, console in
                    let service = RegisteredService(
                        name: invocation[name].text,
                        mapping: PipelineMapping(
                            application: invocation[application], deployPipeline: invocation[deployPipeline],
                            rollbackPipeline: invocation[rollbackPipeline], engineURL: invocation[engineURL]),
                        requiresRegisteredBuild: invocation[requiresBuild])
                    try await Tool.run(schema, as: .owner) { tool in
                        try await ServiceRegistry.put(service, on: tool.database)
                    }
                    console.error("service \(service.name) may be deployed")
                    return .success
                },
                ConsoleCommand("list", "shows the services that may be deployed") { _, console in
                    let services = try await Tool.run(schema, as: .owner) { tool in
                        try await ServiceRegistry.all(on: tool.database)
                    }
                    for service in services { console.line(line(service)) }
                    return .success
                },
                ConsoleCommand("remove", "forbids a service; its history stays", arguments: [name.declared]) {
                    invocation, console in
                    let name = invocation[name]
                    let found = try await Tool.run(schema, as: .owner) { tool in
                        try await ServiceRegistry.remove(name, on: tool.database)
                    }
                    guard found else { throw CommandFailure("there is no service \(name)") }
                    console.error("service \(name) may not be deployed any more")
                    return .success
                },
            ])
    }

    /// Tab-separated: name, application, pipelines, runtime address, rule.
    private static func line(_ service: RegisteredService) -> String {
        let mapping = service.mapping
        return [
            service.name, mapping.application, mapping.deployPipeline, mapping.rollbackPipeline, mapping.engineURL ?? "-",
            service.requiresRegisteredBuild ? "registered-build" : "-",
        ].joined(separator: "\t")
    }
}
