import Encoding
import Postgres
import SiteControlDomain

/// The form of reference 6.10, as the schema keeps it.
extension ProtectedChecksums {
    var tablesJSON: JSONText {
        Self.document(tables) { ["rows": .number(JSONNumber($0.rows)), "checksum": .string($0.checksum)] }
    }

    var treesJSON: JSONText {
        Self.document(trees) { ["files": .number(JSONNumber($0.files)), "checksum": .string($0.checksum)] }
    }

    /// Nil where the documents are not of that form.
    init?(tables: JSONText, trees: JSONText) {
        let readTable = { (value: JSONValue) -> Table? in
            guard let rows = value["rows"]?.int, let checksum = value["checksum"]?.string else { return nil }
            return Table(rows: rows, checksum: checksum)
        }
        let readTree = { (value: JSONValue) -> Tree? in
            guard let files = value["files"]?.int, let checksum = value["checksum"]?.string else { return nil }
            return Tree(files: files, checksum: checksum)
        }
        guard let tables = Self.members(tables, readTable), let trees = Self.members(trees, readTree) else { return nil }
        self.init(tables: tables, trees: trees)
    }

    private static func document<Value>(_ members: [String: Value], _ json: (Value) -> JSONValue) -> JSONText {
        var object = JSONObject()
        for (key, value) in members.sorted(by: { $0.key < $1.key }) { object[key] = json(value) }
        return JSONText(utf8: JSONValue.object(object).bytes)
    }

    private static func members<Value>(_ text: JSONText, _ read: (JSONValue) -> Value?) -> [String: Value]? {
        guard let object = (try? JSONReader.parse(text.utf8))?.object else { return nil }
        var members: [String: Value] = [:]
        for member in object.members {
            guard let value = read(member.value) else { return nil }
            members[member.key] = value
        }
        return members
    }
}
