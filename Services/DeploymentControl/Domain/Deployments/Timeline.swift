/// A deployment as a story.
public struct TimelineEvent: Sendable, Hashable {
    public enum Key: String, Sendable, CaseIterable {
        case submitted
        case validated
        case inProgress = "in_progress"
        case succeeded
        case failed
        case rollbackStarted = "rollback_started"
        case rollbackSucceeded = "rollback_succeeded"
        case rollbackFailed = "rollback_failed"
    }

    public let key: Key
    /// Microseconds since 1970 UTC.
    public let at: Int64
    /// The deployment that it happened to: this one, or a rollback of it.
    public let deploymentID: String

    public init(key: Key, at: Int64, deploymentID: String) {
        self.key = key
        self.at = at
        self.deploymentID = deploymentID
    }
}

/// When one deployment came to what.
public struct Milestones: Sendable, Hashable {
    public var id: String
    public var createdAt: Int64
    public var acceptedAt: Int64?
    public var finishedAt: Int64?
    /// How it ended; nothing while it runs.
    public var endedWell: Bool

    public init(id: String, createdAt: Int64, acceptedAt: Int64?, finishedAt: Int64?, endedWell: Bool) {
        self.id = id
        self.createdAt = createdAt
        self.acceptedAt = acceptedAt
        self.finishedAt = finishedAt
        self.endedWell = endedWell
    }

    /// The story of a deployment and of its rollbacks, in the order of time; what happened at once keeps its order.
    public func timeline(rollbacks: [Milestones]) -> [TimelineEvent] {
        var events = [
            TimelineEvent(key: .submitted, at: createdAt, deploymentID: id),
            TimelineEvent(key: .validated, at: createdAt, deploymentID: id),
        ]
        if let acceptedAt { events.append(TimelineEvent(key: .inProgress, at: acceptedAt, deploymentID: id)) }
        if let finishedAt {
            events.append(TimelineEvent(key: endedWell ? .succeeded : .failed, at: finishedAt, deploymentID: id))
        }
        for rollback in rollbacks {
            guard let acceptedAt = rollback.acceptedAt else { continue }
            events.append(TimelineEvent(key: .rollbackStarted, at: acceptedAt, deploymentID: rollback.id))
            if let finishedAt = rollback.finishedAt {
                let key: TimelineEvent.Key = rollback.endedWell ? .rollbackSucceeded : .rollbackFailed
                events.append(TimelineEvent(key: key, at: finishedAt, deploymentID: rollback.id))
            }
        }
        return events.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }
}
