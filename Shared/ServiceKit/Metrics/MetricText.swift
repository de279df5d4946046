/// Writes Prometheus' text format.
struct MetricText {
    private(set) var bytes: [UInt8] = []

    static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    /// `name="value",…` without the braces; backslash, quotation mark and newline of a value are escaped.
    static func labels(_ pairs: [(String, String)]) -> String {
        pairs.map { name, value in
            var escaped = ""
            for scalar in value.unicodeScalars {
                switch scalar {
                case "\\": escaped += "\\\\"
                case "\"": escaped += "\\\""
                case "\n": escaped += "\\n"
                default: escaped.unicodeScalars.append(scalar)
                }
            }
            return "\(name)=\"\(escaped)\""
        }.joined(separator: ",")
    }

    mutating func family(_ name: String, type: String, help: String) {
        var escaped = ""
        for scalar in help.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        write("# HELP \(name) \(escaped)\n# TYPE \(name) \(type)\n")
    }

    mutating func sample(_ name: String, _ labels: String, integer: Int) { sample(name, labels, "\(integer)") }

    mutating func sample(_ name: String, _ labels: String, number: Double) { sample(name, labels, Self.text(number)) }

    mutating func histogram(_ name: String, _ labels: String, _ histogram: Histogram) {
        let (counts, sum) = histogram.read()
        var cumulative = 0
        let separator = labels.isEmpty ? "" : ","
        for (index, count) in counts.enumerated() {
            cumulative &+= count
            let bound = index < histogram.bounds.count ? Self.text(Self.seconds(histogram.bounds[index])) : "+Inf"
            sample(name + "_bucket", labels + separator + "le=\"\(bound)\"", integer: cumulative)
        }
        sample(name + "_sum", labels, number: sum)
        sample(name + "_count", labels, integer: cumulative)
    }

    private mutating func sample(_ name: String, _ labels: String, _ value: String) {
        write(labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n")
    }

    private mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private static func seconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// A number as the format spells it: whole numbers without a fraction, `NaN`, `+Inf`, `-Inf`.
    static func text(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
        if number == number.rounded(), abs(number) < 1e15 { return "\(Int(number))" }
        return "\(number)"
    }
}
