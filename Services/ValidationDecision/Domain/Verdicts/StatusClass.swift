/// What kind of answer a request gets. The service maps each case to one HTTP status, in one place.
public enum StatusClass: CaseIterable, Sendable, Hashable {
    /// The artifacts were well-formed and the rules decided: 200.
    case judged
    /// A body, part or field is missing, unparseable or of the wrong type: 400.
    case malformedInput
    /// No token, or one that is not known: 401.
    case unauthenticated
    /// 404.
    case unknownPath
    /// 405.
    case methodNotAllowed
    /// Something on our side failed: 500.
    case internalFailure
}
