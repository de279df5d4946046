/// Gathers what is wrong, code by code, until a verdict is made of it.
struct Findings {
    /// Places named in one message; further ones are counted. Keeps a response small whatever the input is.
    static let placesPerReasonMax = 100

    private struct Gathered {
        var places: [String] = []
        var more = 0
    }

    private var gathered: [ReasonCode: Gathered] = [:]

    var isEmpty: Bool { gathered.isEmpty }

    /// Notes one place. The caller adds places in an order that depends on the input's meaning only.
    mutating func add(_ code: ReasonCode, _ place: String) {
        if gathered[code, default: Gathered()].places.count < Self.placesPerReasonMax {
            gathered[code, default: Gathered()].places.append(place)
        } else {
            gathered[code]?.more += 1
        }
    }

    /// Notes `count` places of which only the number is known.
    mutating func addUnnamed(_ code: ReasonCode, _ count: Int) {
        if count > 0 { gathered[code, default: Gathered()].more += count }
    }

    /// Ordered by code, each code once.
    var reasons: [Reason] {
        gathered.sorted { $0.key < $1.key }.map { code, found in
            var message = code.summary
            if !found.places.isEmpty { message += ": " + found.places.joined(separator: "; ") }
            if found.more > 0 { message += "; and \(found.more) more" }
            return Reason(code, message)
        }
    }
}
