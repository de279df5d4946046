import Encoding
import SiteControlDomain

/// What a request wants to be different. A key that is not named stays as it is.
struct SettingsChange: Sendable {
    enum Wish: Sendable, Equatable {
        case keep
        case remove
        case set(String)

        func applied(to current: String?) -> String? {
            switch self {
            case .keep: current
            case .remove: nil
            case .set(let value): value
            }
        }
    }

    var controlPlaneDomain = Wish.keep
    var previewDomain = Wish.keep
    var dns01Provider = Wish.keep
    /// The credentials themselves, as JSON text.
    var dns01Credentials = Wish.keep

    static let providerLengthMax = 63
    /// Members of the credentials, and characters of each value.
    static let credentialsMax = 32
    static let credentialLengthMax = 4096

    /// The keys that are named, in their order.
    var keys: [SettingKey] { SettingKey.allCases.filter { self[$0] != .keep } }

    subscript(key: SettingKey) -> Wish {
        switch key {
        case .controlPlaneDomain: controlPlaneDomain
        case .previewDomain: previewDomain
        case .dns01Provider: dns01Provider
        case .dns01Credentials: dns01Credentials
        }
    }

    static func read(_ body: JSONObject) throws(FieldProblems) -> SettingsChange {
        try ObjectReader.read(.object(body)) { object in
            var change = SettingsChange()
            change.controlPlaneDomain = wish(object, .controlPlaneDomain, hostname)
            change.previewDomain = wish(object, .previewDomain, hostname)
            change.dns01Provider = wish(object, .dns01Provider, provider)
            change.dns01Credentials = wish(object, .dns01Credentials, credentials)
            if change.keys.isEmpty { object.problem(.missing, "must name at least one setting") }
            return change
        }
    }

    private static func wish(
        _ object: ObjectReader, _ key: SettingKey, _ read: (JSONField) -> String?
    ) -> Wish {
        guard object.has(key.rawValue) else { return .keep }
        guard let field = object.optional(key.rawValue) else { return .remove }
        return read(field).map { .set($0) } ?? .keep
    }

    private static func hostname(_ field: JSONField) -> String? {
        field.string(as: { Hostname($0)?.text }, expects: "a host name")
    }

    private static func provider(_ field: JSONField) -> String? {
        field.string(
            as: { text in
                let isName = (1...providerLengthMax).contains(text.utf8.count)
                    && text.utf8.allSatisfy { isLowercase($0) || isDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
                return isName && text.utf8.first.map { isLowercase($0) } == true ? text : nil
            }, expects: "1 to \(providerLengthMax) lower-case letters, digits, hyphens and underscores, beginning with a letter")
    }

    /// They become lines of a file, `name = value`, one for each member: neither may hold a line break.
    private static func credentials(_ field: JSONField) -> String? {
        field.object(unknownKeys: .ignore) { object in
            guard let members = field.value?.object?.members, (1...credentialsMax).contains(members.count) else {
                return field.problem(.outOfRange, "must have 1 to \(credentialsMax) members")
            }
            var json = JSONWriter()
            json.beginObject()
            for member in members {
                guard isName(member.key) else {
                    object.problem(member.key, .invalid, "is no name of letters, digits and underscores")
                    continue
                }
                let value = object.field(member.key).string(length: 1...credentialLengthMax)
                if let value, !value.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) {
                    object.problem(member.key, .invalid, "must not hold control characters")
                }
                json.key(dynamic: member.key)
                json.value(value ?? "")
            }
            json.endObject()
            return String(decoding: json.finish(), as: UTF8.self)
        }
    }

    private static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                isLowercase($0 | 0x20) || isDigit($0) || $0 == UInt8(ascii: "_")
            }
    }

    private static func isLowercase(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
