import Crypto
import Encoding

/// One text for all JSON texts that mean the same: keys sorted, no white space, numbers in their shortest form, strings as
/// they are. What idempotency fingerprints are taken of.
enum CanonicalJSON {
    static func digest(_ value: JSONValue) -> Digest32 { SHA256.hash(bytes(of: value)) }

    static func bytes(of value: JSONValue) -> [UInt8] {
        var writer = JSONWriter()
        write(value, to: &writer)
        return writer.finish()
    }

    private static func write(_ value: JSONValue, to json: inout JSONWriter) {
        switch value {
        case .null, .bool, .string: json.value(value)
        case .number(let number): json.value(shortest(number))
        case .array(let elements):
            json.beginArray()
            for element in elements { write(element, to: &json) }
            json.endArray()
        case .object(let object):
            json.beginObject()
            // By bytes: the order of texts as Swift has it calls different spellings of an accent equal.
            for member in object.members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
                json.key(dynamic: member.key)
                write(member.value, to: &json)
            }
            json.endObject()
        }
    }

    /// An integer without fraction and exponent, else the shortest text of the nearest double; what fits neither stays.
    private static func shortest(_ number: JSONNumber) -> JSONNumber {
        if let int = number.int64 { return JSONNumber(int) }
        if number.isPlainInteger { return number }
        return number.double.flatMap { JSONNumber($0) } ?? number
    }
}
