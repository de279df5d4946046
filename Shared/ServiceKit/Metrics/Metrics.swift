public import EventLoop
import Locking

/// The numbers a process tells about itself, in Prometheus' text format (version 0.0.4).
///
/// Instruments are made at the start and kept by those who count; asking again for the same name and labels gives the same
/// instrument. Names and label names are the program's own; label values may be any text.
public final class Metrics: Sendable {
    private enum Source: Sendable {
        case counter(Counter)
        case gauge(Gauge)
        case histogram(Histogram)
        case computed(@Sendable () -> Double)
    }

    private struct Family {
        let help: String
        let type: String
        var samples: [(labels: String, source: Source)] = []
    }

    private struct State {
        var families: [String: Family] = [:]
        var order: [String] = []
    }

    /// The media type of the exposition.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private let slots: Int
    private let state = Locked(State())

    /// - Parameter loops: those that count without contention.
    public init(loops: LoopGroup) { slots = loops.loops.count + 1 }

    /// - Parameter name: ends in `_total`.
    public func counter(_ name: String, help: String, labels: KeyValuePairs<String, String> = [:]) -> Counter {
        let source = register(name, "counter", help, labels) { .counter(Counter(slots: slots)) }
        guard case .counter(let counter) = source else { preconditionFailure("\(name) is no counter") }
        return counter
    }

    public func gauge(_ name: String, help: String, labels: KeyValuePairs<String, String> = [:]) -> Gauge {
        let source = register(name, "gauge", help, labels) { .gauge(Gauge(slots: slots)) }
        guard case .gauge(let gauge) = source else { preconditionFailure("\(name) is no gauge") }
        return gauge
    }

    /// A number that is worked out when it is asked for. `read` may be called on any thread and must not wait.
    public func computed(
        _ name: String, type: ComputedType = .gauge, help: String, labels: KeyValuePairs<String, String> = [:],
        _ read: @escaping @Sendable () -> Double
    ) {
        _ = register(name, type.rawValue, help, labels) { .computed(read) }
    }

    /// What a computed number is.
    public enum ComputedType: String, Sendable {
        case gauge
        case counter
    }

    /// - Parameter name: ends in `_seconds`.
    public func histogram(
        _ name: String, help: String, labels: KeyValuePairs<String, String> = [:],
        bounds: [Duration] = Histogram.requestBounds
    ) -> Histogram {
        let source = register(name, "histogram", help, labels) { .histogram(Histogram(bounds: bounds, slots: slots)) }
        guard case .histogram(let histogram) = source else { preconditionFailure("\(name) is no histogram") }
        return histogram
    }

    /// All numbers as text, families in the order they were made.
    public func exposition() -> [UInt8] {
        let (families, order) = state.withLock { ($0.families, $0.order) }
        var text = MetricText()
        for name in order {
            guard let family = families[name] else { continue }
            text.family(name, type: family.type, help: family.help)
            for (labels, source) in family.samples {
                switch source {
                case .counter(let counter): text.sample(name, labels, integer: counter.value)
                case .gauge(let gauge): text.sample(name, labels, integer: gauge.value)
                case .computed(let read): text.sample(name, labels, number: read())
                case .histogram(let histogram): text.histogram(name, labels, histogram)
                }
            }
        }
        return text.bytes
    }

    private func register(
        _ name: String, _ type: String, _ help: String, _ labels: KeyValuePairs<String, String>, _ make: () -> Source
    ) -> Source {
        precondition(MetricText.isName(name), "\(name) is no metric name")
        precondition(labels.allSatisfy { MetricText.isName($0.key) }, "a label of \(name) is no label name")
        let labels = MetricText.labels(labels.map { ($0.key, $0.value) })
        return state.withLock { state in
            var family = state.families[name] ?? Family(help: help, type: type)
            precondition(family.type == type, "\(name) is registered as another type")
            if let known = family.samples.first(where: { $0.labels == labels }) { return known.source }
            let source = make()
            family.samples.append((labels, source))
            if state.families.updateValue(family, forKey: name) == nil { state.order.append(name) }
            return source
        }
    }
}
