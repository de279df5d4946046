/// How an operation is carried out.
public enum ExecutionModel: Hashable, Sendable {
    /// Answered from the database.
    case sync
    /// Answers 202 with the id of one job of this type.
    case async(JobType)
    /// One command on a node, beside the queue.
    case nodeQuery
}

/// One operation of the API.
public struct Operation: Hashable, Sendable {
    public let method: String
    /// As it is requested: with `/api`.
    public let path: String
    public let operationID: String
    public let feature: Feature
    public let model: ExecutionModel
    /// The part of the state that it reads or changes.
    public let surface: String

    init(_ method: String, _ path: String, _ operationID: String, _ feature: Feature, _ model: ExecutionModel, _ surface: String) {
        self.method = method
        self.path = path
        self.operationID = operationID
        self.feature = feature
        self.model = model
        self.surface = surface
    }

    public var successStatus: Int {
        if case .async = model { 202 } else { 200 }
    }
}
