import Glibc

/// Folders and what is in them. Every call blocks.
enum FileTree {
    /// Names in a folder; none where it cannot be read.
    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a folder with everything in it; follows no link. What is gone already is no failure.
    ///
    /// - Parameter last: a name in the folder that goes after all others.
    static func remove(_ path: String, last: String? = nil) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        chmod(path, 0o700)
        for name in names(in: path) where name != last { remove("\(path)/\(name)") }
        if let last { remove("\(path)/\(last)") }
        rmdir(path)
    }

    /// Time since it was last changed.
    static func age(_ path: String) -> Duration? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        return .seconds(max(time(nil) - status.st_mtim.tv_sec, 0))
    }
}
