import DeploymentControlDomain
import Encoding

/// What a caller wants deployed: fields of the right types (guard 9), not yet allowed.
struct DeploymentIntent: Sendable {
    let service: String
    /// Of whatever type it came.
    let environment: JSONValue
    let version: String
    let changeSummary: ChangeSummary

    /// All problems of shape at once.
    init(_ body: JSONObject) throws(Refusal) {
        do throws(FieldProblems) {
            self = try ObjectReader.read(.object(body), unknownKeys: .ignore) { object in
                let service = object.field("service").string()
                let environment = object.field("environment").any()
                let version = object.field("version").string()
                let summary = Self.summary(object.field("changeSummary"))
                guard let service, let environment, let version, let summary else { return nil }
                return Self(service: service, environment: environment, version: version, changeSummary: summary)
            }
        } catch {
            throw .invalidFields(error.problems)
        }
    }

    private init(service: String, environment: JSONValue, version: String, changeSummary: ChangeSummary) {
        self.service = service
        self.environment = environment
        self.version = version
        self.changeSummary = changeSummary
    }

    /// Guard 11.
    func allowedEnvironment() throws(Refusal) -> DeploymentEnvironment {
        guard case .string(let text) = environment, let found = DeploymentEnvironment(exactly: text) else {
            throw .invalidEnvironment
        }
        return found
    }

    /// Guard 12.
    func wellFormedVersion() throws(Refusal) -> Version {
        guard let found = Version(version) else { throw Self.badVersion }
        return found
    }

    static let badVersion = Refusal.invalidFields([
        FieldProblem(
            pointer: "/version", kind: .invalid,
            message: "must be like 1.4.0 or 1.4.0-rc.1, at most \(Version.charactersMax) characters")
    ])

    static func summary(_ field: JSONField) -> ChangeSummary? {
        guard let text = field.string() else { return nil }
        do throws(ChangeSummary.Problem) {
            return try ChangeSummary(text)
        } catch {
            switch error {
            case .blank: return field.problem(.invalid, "must not be blank")
            case .tooLong:
                return field.problem(.outOfRange, "must be at most \(ChangeSummary.scalarsMax) characters long")
            }
        }
    }
}

extension DeploymentEnvironment {
    /// Compared byte by byte.
    init?(exactly text: String) {
        guard let found = DeploymentEnvironment(rawValue: text), found.rawValue.utf8.elementsEqual(text.utf8) else { return nil }
        self = found
    }
}
