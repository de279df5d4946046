import CSystem

/// What the kernel lets this process have.
public enum ProcessLimits {
    /// Raises the soft limit of open descriptors to the hard one: the soft one is 1,024 for the sake of programs that use
    /// select(2), which nothing here does. Child processes inherit it.
    ///
    /// - Returns: how many descriptors may be open now; nil where the kernel does not say.
    @discardableResult
    public static func raiseOpenFiles() -> Int? {
        let limit = csystem_raise_open_files()
        return limit == 0 ? nil : Int(clamping: limit)
    }

    /// Lowers the soft limit, for tests of a process that runs out of descriptors.
    ///
    /// - Returns: whether the kernel agreed.
    static func limitOpenFiles(to count: Int) -> Bool { csystem_limit_open_files(UInt64(clamping: count)) == 0 }
}
