// swift-tools-version: 6.2
import PackageDescription

// No package dependency: C libraries of the distribution through system-library targets, each owned by one Swift target.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // What a loop owns is touched by its thread alone; the checks of every access cost release builds a few percent.
    // Debug builds, and so all tests, keep them.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

func shared(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Shared/\(name)", swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies + ["TestSupport", "Locking"], path: "Tests/\(name)", swiftSettings: settings)
}

// libFuzzer executables, in the manifest only where TRIVET_FUZZ=1. To run one for a minute:
// TRIVET_FUZZ=1 swift run -c release --sanitize fuzzer --scratch-path .build-fuzz FuzzJSON -max_total_time=60
let fuzzing = Context.environment["TRIVET_FUZZ"] == "1"

func fuzz(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: "Fuzz\(name)", dependencies: dependencies, path: "Tests/Fuzz/\(name)",
        swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])])
}

let fuzzTargets: [Target] = [
    fuzz("HTTP", ["HTTP"]),
    fuzz("JSON", ["Encoding"]),
    fuzz("Multipart", ["HTTP"]),
    fuzz("YAML", ["Encoding"]),
]

let package = Package(
    name: "trivet",
    products: [
        .executable(name: "site-control", targets: ["site-control"]),
        .executable(name: "deployment-control", targets: ["deployment-control"]),
        .executable(name: "validation-decision", targets: ["validation-decision"]),
        .library(name: "TestSupport", targets: ["TestSupport"]),
    ],
    targets: [
        // C libraries of the distribution.
        .systemLibrary(name: "CSystem", path: "Shared/CSystem"),
        .systemLibrary(name: "CLibpq", path: "Shared/CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "COpenSSL", path: "Shared/COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CYAML", path: "Shared/CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CCurl", path: "Shared/CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CZlib", path: "Shared/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // The foundation. Arrows point down only.
        shared("Locking"),
        shared("Encoding", ["CYAML"]),
        shared("Compression", ["CZlib"]),
        shared("Crypto", ["Locking", "COpenSSL"]),
        shared("EventLoop", ["Locking", "CSystem"]),
        shared("HTTP", ["Locking", "EventLoop", "Encoding", "Crypto"]),
        shared("Postgres", ["Locking", "EventLoop", "Encoding", "Crypto", "CLibpq"]),
        shared("Outbound", ["Locking", "EventLoop", "CCurl"]),
        shared("ObjectStore", ["Locking", "Outbound", "EventLoop", "Encoding", "Crypto"]),
        shared("ServiceKit", ["Locking", "HTTP", "Postgres", "Outbound", "EventLoop", "Encoding", "Crypto"]),

        // site-control
        .target(
            name: "SiteControlDomain", path: "Services/SiteControl/Domain", swiftSettings: settings),
        .target(
            name: "SiteControl",
            dependencies: [
                "SiteControlDomain", "ServiceKit", "HTTP", "Postgres", "EventLoop", "Locking", "Encoding", "Crypto",
            ],
            path: "Services/SiteControl/Service", swiftSettings: settings),
        .executableTarget(
            name: "site-control",
            dependencies: ["SiteControl", "ServiceKit"],
            path: "Services/SiteControl/Main", swiftSettings: settings),

        // deployment-control
        .target(
            name: "DeploymentControlDomain", path: "Services/DeploymentControl/Domain", swiftSettings: settings),
        .target(
            name: "DeploymentControl",
            dependencies: [
                "DeploymentControlDomain", "ServiceKit", "HTTP", "Postgres", "ObjectStore", "Outbound", "EventLoop", "Locking",
                "Encoding", "Crypto", "Compression",
            ],
            path: "Services/DeploymentControl/Service", swiftSettings: settings),
        .executableTarget(
            name: "deployment-control",
            dependencies: ["DeploymentControl", "ServiceKit"],
            path: "Services/DeploymentControl/Main", swiftSettings: settings),

        // validation-decision
        .target(
            name: "ValidationDecisionDomain", path: "Services/ValidationDecision/Domain", swiftSettings: settings),
        .target(
            name: "ValidationDecision",
            dependencies: [
                "ValidationDecisionDomain", "ServiceKit", "HTTP", "Postgres", "ObjectStore", "Outbound", "EventLoop", "Locking",
                "Encoding", "Crypto", "Compression",
            ],
            path: "Services/ValidationDecision/Service", swiftSettings: settings),
        .executableTarget(
            name: "validation-decision",
            dependencies: ["ValidationDecision", "ServiceKit"],
            path: "Services/ValidationDecision/Main", swiftSettings: settings),

        // Tests mirror Shared/ and Services/.
        .target(
            name: "TestSupport",
            dependencies: ["Locking", "EventLoop", "Encoding", "Crypto", "Postgres", "Outbound"],
            path: "Tests/TestSupport", swiftSettings: settings),
        tests("EncodingTests", ["Encoding"]),
        tests("CompressionTests", ["Compression"]),
        tests("CryptoTests", ["Crypto", "Encoding"]),
        tests("EventLoopTests", ["EventLoop"]),
        tests("HTTPTests", ["HTTP", "EventLoop", "Encoding", "Crypto"]),
        tests("PostgresTests", ["Postgres", "EventLoop", "Encoding"]),
        tests("OutboundTests", ["Outbound", "EventLoop"]),
        tests("ObjectStoreTests", ["ObjectStore", "Outbound", "EventLoop", "Encoding", "Crypto"]),
        .executableTarget(
            name: "sample-service",
            dependencies: ["ServiceKit", "HTTP", "Postgres", "EventLoop", "Encoding", "Crypto"],
            path: "Tests/SampleService", swiftSettings: settings),
        tests("ServiceKitTests", [
            "ServiceKit", "sample-service", "HTTP", "Postgres", "EventLoop", "Encoding", "Crypto",
        ]),
        tests("SiteControlDomainTests", ["SiteControlDomain"]),
        tests("SiteControlTests", [
            "SiteControl", "SiteControlDomain", "site-control", "ServiceKit", "HTTP", "Postgres", "EventLoop", "Encoding",
            "Crypto", "Outbound",
        ]),
        .executableTarget(
            name: "queue-bench",
            dependencies: [
                "SiteControl", "SiteControlDomain", "ServiceKit", "Postgres", "EventLoop", "Locking", "Encoding", "Crypto",
            ],
            path: "Tests/QueueBench", swiftSettings: settings),
        tests("DeploymentControlDomainTests", ["DeploymentControlDomain"]),
        tests("DeploymentControlTests", [
            "DeploymentControl", "DeploymentControlDomain", "deployment-control", "ServiceKit", "HTTP", "Postgres",
            "EventLoop", "Encoding", "Crypto", "Outbound", "ObjectStore",
        ]),
        tests("ValidationDecisionDomainTests", ["ValidationDecisionDomain"]),
        tests("ValidationDecisionTests", [
            "ValidationDecision", "ValidationDecisionDomain", "ServiceKit", "HTTP", "Postgres", "EventLoop", "Encoding",
            "Crypto",
        ]),
    ] + (fuzzing ? fuzzTargets : [])
)
