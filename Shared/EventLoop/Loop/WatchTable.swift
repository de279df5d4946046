/// The handlers of a loop by descriptor. A generation per slot keeps an event that was already fetched from reaching the next owner of a reused descriptor.
struct WatchTable {
    private struct Slot {
        var handler: IOHandler?
        var generation: UInt32 = 0
    }

    private var slots: [Slot] = []
    private(set) var count = 0

    mutating func insert(_ fd: Int32, _ handler: IOHandler) -> UInt32 {
        let index = Int(fd)
        while slots.count <= index { slots.append(Slot()) }
        if slots[index].handler == nil { count += 1 }
        slots[index].handler = handler
        slots[index].generation &+= 1
        return slots[index].generation
    }

    func contains(_ fd: Int32, generation: UInt32) -> Bool {
        handler(fd, generation: generation) != nil
    }

    func handler(_ fd: Int32, generation: UInt32) -> IOHandler? {
        let index = Int(fd)
        guard index >= 0, index < slots.count, slots[index].generation == generation else { return nil }
        return slots[index].handler
    }

    /// Returns the handler, so that the caller decides when it is released.
    mutating func remove(_ fd: Int32, generation: UInt32) -> IOHandler? {
        guard let handler = handler(fd, generation: generation) else { return nil }
        slots[Int(fd)].handler = nil
        count -= 1
        return handler
    }
}
