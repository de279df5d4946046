import EventLoop
import Glibc
import Postgres
import ServiceKit
import SiteControl

// Usage: queue-bench DATABASE_URL latency|throughput JOBS [SLOTS]
//
// Measures the job engine with an executor that does nothing, in a database that it fills itself; prints one line of JSON.
let words = CommandLine.arguments
guard words.count >= 4, let jobs = Int(words[3]), jobs > 0, let slots = Int(words.count > 4 ? words[4] : "64"), slots > 0,
    ["latency", "throughput"].contains(words[2])
else {
    Console.standard.error("usage: queue-bench DATABASE_URL latency|throughput JOBS [SLOTS]")
    exit(2)
}
let (url, measuresLatency) = (words[1], words[2] == "latency")
let group = LoopGroup()
group.start()
do {
    let line = try await group.loops[0].run {
        var settings = DatabaseConfiguration(url: url)
        settings.applicationName = "queue-bench"
        settings.acquireTimeout = .seconds(30)
        let database = Database(settings, loops: group)
        database.start()
        let bench = QueueBench(database: database, loops: group, signals: JobSignals(database))
        try await bench.prepare()
        let line = measuresLatency ? try await bench.latency(jobs) : try await bench.throughput(jobs, slots: slots)
        await database.close()
        return line
    }
    Console.standard.line(line)
} catch {
    Console.standard.error("queue-bench: \(error)")
    exit(1)
}
