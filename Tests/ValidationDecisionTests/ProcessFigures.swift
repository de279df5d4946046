import Foundation
import Testing

/// What the kernel says about a process.
struct ProcessFigures {
    let pid: Int32

    /// Bytes of memory that are resident now.
    var residentBytes: Int { get throws { try kilobytes("VmRSS:") << 10 } }
    /// The most that ever were.
    var residentBytesMax: Int { get throws { try kilobytes("VmHWM:") << 10 } }
    /// Bytes that it has read with read(2), from sockets too.
    var bytesRead: Int { get throws { try value("rchar:", in: "io") } }

    /// Soft and hard limit of open descriptors.
    var openFiles: (soft: Int, hard: Int) {
        get throws {
            let line = try #require(try lines("limits").first { $0.hasPrefix("Max open files") })
            let words = line.split(separator: " ")
            return (try #require(Int(words[3])), try #require(Int(words[4])))
        }
    }

    private func kilobytes(_ name: String) throws -> Int { try value(name, in: "status") }

    private func value(_ name: String, in file: String) throws -> Int {
        let line = try #require(try lines(file).first { $0.hasPrefix(name) })
        let words = line.split { $0 == " " || $0 == "\t" }
        return try #require(words.count > 1 ? Int(words[1]) : nil)
    }

    private func lines(_ file: String) throws -> [Substring] {
        try String(contentsOfFile: "/proc/\(pid)/\(file)", encoding: .utf8).split(separator: "\n")
    }
}
