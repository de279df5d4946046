import Encoding
import HTTP
import SiteControlDomain

/// Statuses that groups of operations share.
enum Statuses {
    static let read = [200, 401, 403, 500, 503]
    static let readOne = read + [404]
    /// An accepted job without a body of the request.
    static let mutation = [202, 401, 403, 404, 409, 500, 503]
    static let mutationWithBody = mutation + [400]
    static let reset = [200, 401, 403, 404, 409, 500, 503]
}

extension Request {
    /// The `{id}` of the path. What is no UUID names nothing.
    func id(of what: String) throws(Refusal) -> UUID {
        guard let id = parameters["id"].flatMap({ UUID($0) }) else { throw .notFound(what) }
        return id
    }
}

extension JSONField {
    func displayName() -> DisplayName? {
        guard let text = string(length: 1...DisplayName.lengthMax) else { return nil }
        return DisplayName(text) ?? problem(.invalid, "must have a character that can be seen, and no control characters")
    }

    func slug() -> Slug? {
        guard let text = string(length: 1...Slug.lengthMax) else { return nil }
        return Slug(text) ?? problem(.invalid, "must be lower-case letters, digits and inner hyphens")
    }

    func hostname() -> Hostname? {
        guard let text = string(length: 1...1024) else { return nil }
        return Hostname(text) ?? problem(.invalid, "must be a host name of at least two labels")
    }

    func sourceReference() -> SourceReference? {
        guard let text = string(length: 1...SourceReference.lengthMax) else { return nil }
        return SourceReference(text) ?? problem(.invalid, "must have no control characters and no leading hyphen")
    }

    func archiveURL(schemes: [String]) -> ArchiveURL? {
        guard let text = string(length: 1...ArchiveURL.lengthMax) else { return nil }
        return ArchiveURL(text, schemes: schemes)
            ?? problem(.invalid, "must be a URL of scheme \(schemes.joined(separator: " or "))")
    }
}
