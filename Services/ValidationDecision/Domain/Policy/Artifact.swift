/// What became of one document a request had to bring.
public enum Artifact<Value: Sendable>: Sendable {
    /// The part or body was not there.
    case missing
    /// It was there and could not be read; the text says why, for people.
    case unparseable(String)
    case parsed(Value)
}

extension Artifact: Equatable where Value: Equatable {}

/// What became of a snapshot part.
public enum ReceivedSnapshot: Sendable, Hashable {
    case missing
    /// Hashed to its end. `archiveProblem` is what the archive check found, nil where it is off or content.
    case received(ContentDigest, archiveProblem: String?)
    /// It was there and could not be read to its end.
    case unparseable(String)
}

/// What became of one object of a reference manifest.
public enum FetchOutcome: Sendable, Hashable {
    /// Read to its end. `archiveProblem` is what the archive check found, nil where it is off or content.
    case fetched(ContentDigest, archiveProblem: String?)
    /// For people: no host, credential or internal address in it.
    case failed(String)
    /// Counts as a failure where the object was needed.
    case notAttempted
}
