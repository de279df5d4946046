/// A growing ring of jobs, touched by its loop's thread only. Raw memory, because an array would pay exclusivity and uniqueness checks per job.
struct JobRing: ~Copyable {
    private var storage: UnsafeMutablePointer<UnownedJob>
    private var capacity: Int
    private var head = 0
    private var tail = 0

    init(capacity: Int) {
        precondition(capacity > 0 && capacity & (capacity - 1) == 0, "a power of two")
        storage = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    deinit { storage.deallocate() }

    var isEmpty: Bool { head == tail }
    var count: Int { tail &- head }

    mutating func append(_ job: UnownedJob) {
        if count == capacity { grow() }
        (storage + (tail & (capacity &- 1))).initialize(to: job)
        tail &+= 1
    }

    mutating func popFirst() -> UnownedJob? {
        guard head != tail else { return nil }
        let job = storage[head & (capacity &- 1)]
        head &+= 1
        return job
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<UnownedJob>.allocate(capacity: capacity * 2)
        for offset in 0..<capacity {
            (larger + offset).initialize(to: storage[(head &+ offset) & (capacity &- 1)])
        }
        storage.deallocate()
        storage = larger
        head = 0
        tail = capacity
        capacity *= 2
    }
}
