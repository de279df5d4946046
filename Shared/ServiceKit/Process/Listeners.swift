import EventLoop
import HTTP

/// Where a process listens: as configured, or on descriptors that the service manager handed over.
struct Listeners: Sendable {
    private(set) var main: HTTPServerConfiguration.Listener
    /// nil where health is served by the main listener.
    private(set) var admin: HTTPServerConfiguration.Listener?
    private let address: SocketAddress
    private let tls: HTTPServerConfiguration.TLSFiles?
    private let limits: HTTPLimits

    /// Descriptors called `admin` (LISTEN_FDNAMES) are the admin listener, all others the main one.
    init(_ configuration: Configuration, _ listen: Variable<SocketAddress>, _ environment: [String: String]) {
        address = configuration[listen]
        let inherited = SocketActivation.inheritedDescriptors(environment: environment)
        let mainDescriptors = inherited.filter { $0.name != "admin" }.map(\.fd)
        let adminDescriptors = inherited.filter { $0.name == "admin" }.map(\.fd)
        main = mainDescriptors.isEmpty ? .address(address) : .descriptors(mainDescriptors)
        admin =
            adminDescriptors.isEmpty
            ? configuration[CommonVariables.adminListen].map { .address($0) } : .descriptors(adminDescriptors)
        if let certificate = configuration[CommonVariables.tlsCertFile], let key = configuration[CommonVariables.tlsKeyFile] {
            tls = .init(certificateChain: certificate, privateKey: key)
        } else {
            tls = nil
        }
        var limits = HTTPLimits()
        limits.maxConnections = configuration[CommonVariables.maxConnections]
        limits.headerTimeout = configuration[CommonVariables.headerTimeout]
        limits.bodyStallTimeout = configuration[CommonVariables.bodyStallTimeout]
        limits.idleTimeout = configuration[CommonVariables.idleTimeout]
        limits.lingerTimeout = min(limits.lingerTimeout, limits.idleTimeout)
        self.limits = limits
    }

    /// For a process without an API: the admin listener where there is one, else the main one.
    mutating func keepHealthAlone() {
        main = admin ?? main
        admin = nil
    }

    func serverConfiguration(_ listener: HTTPServerConfiguration.Listener) -> HTTPServerConfiguration {
        HTTPServerConfiguration(listener: listener, tls: tls, limits: limits)
    }

    /// The origin under which the main listener is reached on this machine.
    var suggestedOrigin: String {
        let scheme = tls == nil ? "http" : "https"
        switch address {
        case .unix: return "\(scheme)://localhost"
        case .ipv4(0, let port): return "\(scheme)://localhost:\(port)"
        case .ipv6(0, 0, let port): return "\(scheme)://localhost:\(port)"
        case .ipv4, .ipv6: return "\(scheme)://\(address)"
        }
    }
}
