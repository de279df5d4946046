import Glibc
import ObjectStore

/// A file on its way in: it gets its name with ``commit(as:in:)``, or vanishes with this object.
final class IncomingFile: @unchecked Sendable {
    // @unchecked: `hasName` is touched by one piece of pool work at a time, each awaited before the next, and by deinit.
    private let file: Descriptor
    private let directory: Descriptor
    private let name: String
    private var hasName = true

    init(file: Descriptor, directory: Descriptor, name: String) {
        self.file = file
        self.directory = directory
        self.name = name
    }

    deinit {
        if hasName { unlinkat(directory.fd, name, 0) }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(ObjectError) { try file.write(bytes) }

    /// The bytes reach the disk before the name, and the name before this returns.
    ///
    /// - Parameter isIntact: told of a file that has the name already, whether it is what it should be. If so it stays.
    func commit(
        as finalName: String, in parent: Descriptor, unless isIntact: (Descriptor) throws(ObjectError) -> Bool
    ) throws(ObjectError) {
        try file.sync()
        if linkat(directory.fd, name, parent.fd, finalName, 0) != 0 {
            guard errno == EEXIST else { throw ObjectError(errno: errno) }
            let present = try parent.open(finalName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
            if try !isIntact(present) {
                guard renameat(directory.fd, name, parent.fd, finalName) == 0 else { throw ObjectError(errno: errno) }
                hasName = false
            }
        }
        try parent.sync()
    }
}
