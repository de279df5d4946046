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

    /// Notes one place. The caller adds places in an order that depends on the input's meaning only. A place that will
    /// not be named is not even spelled out, so that many of them under a long key stay cheap.
    mutating func add(_ code: ReasonCode, _ place: @autoclosure () -> String) {
        let isNamed = (gathered[code]?.places.count ?? 0) < Self.placesPerReasonMax
        if isNamed {
            gathered[code, default: Gathered()].places.append(place())
        } else {
            gathered[code, default: Gathered()].more += 1
        }
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
