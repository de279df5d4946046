import Foundation
import Testing

/// Reads from the sources which operations can ask a node: whose handler uses what opens an SSH connection.
///
/// The way there is the protocol `MagicLogin`. An API struct that is to use it has a member of that type; its handlers are
/// functions that the route table names.
enum NodeQueryUsers {
    static func operations() throws -> Set<String> {
        var found: Set<String> = []
        for file in try ["API", "Events", "Settings", "Sessions"].flatMap(sources(below:)) {
            let text = try String(contentsOf: file, encoding: .utf8)
            for member in text.matches(of: /let (\w+): any MagicLogin/).map({ String($0.1) }) {
                let handlers = handlers(of: text).filter { $0.body.contains("\(member)(") || $0.body.contains("\(member).") }
                found.formUnion(handlers.map(\.operationID))
                #expect(!handlers.isEmpty, "\(file.lastPathComponent) has a way to nodes that no handler uses")
            }
        }
        return found
    }

    /// Folders of the service that hold a file in which `pattern` occurs.
    static func folders(naming pattern: Regex<Substring>) throws -> Set<String> {
        Set(
            try sources(below: "").filter { try String(contentsOf: $0, encoding: .utf8).contains(pattern) }
                .map { $0.deletingLastPathComponent().lastPathComponent })
    }

    private struct Handler {
        let operationID: String
        let body: String
    }

    /// The functions that a route table names, by the operations that they serve.
    private static func handlers(of text: String) -> [Handler] {
        // Route(.get, "/api/sites", "listSites", …, list), or a function that makes one, named alike.
        text.matches(of: /(?:Route|async)\(([^()]*)\)/).compactMap { route in
            let operation = route.1.firstMatch(of: /"([A-Za-z]\w*)"/)?.1
            let handler = route.1.firstMatch(of: /(\w+)\s*$/)?.1
            guard let operation, let handler else { return nil }
            return Handler(operationID: String(operation), body: function(String(handler), in: text))
        }
    }

    /// From its name to the end of the function: the next line that closes a member of a type.
    private static func function(_ name: String, in text: String) -> String {
        guard let start = text.range(of: "func \(name)(") else { return "" }
        let rest = text[start.upperBound...]
        return String(rest[..<(rest.range(of: "\n    }")?.lowerBound ?? rest.endIndex)])
    }

    private static func sources(below folder: String) throws -> [URL] {
        let root = SiteContract.root.appendingPathComponent("Services/SiteControl/Service/\(folder)")
        let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
        return files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
    }
}
