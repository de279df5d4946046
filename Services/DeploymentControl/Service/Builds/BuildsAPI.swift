import HTTP
import ServiceKit

/// The operations of builds and artifacts.
struct BuildsAPI: Sendable {
    let desk: MutationDesk

    var routes: [DeploymentRoute] { [] }
}
