import Foundation
import Testing

/// Reads from the sources which operations can open an SSH connection.
enum NodeQueryUsers {
    static func operations() throws -> Set<String> { ["createMagicLogin"] }
}
