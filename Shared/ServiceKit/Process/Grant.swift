/// One right that the serving role needs on the schema. `migrate` gives exactly the declared ones and takes all others.
public struct Grant: Sendable, Hashable {
    public enum Privilege: String, Sendable, Hashable {
        case select = "SELECT"
        case insert = "INSERT"
        case update = "UPDATE"
        case delete = "DELETE"
    }

    enum Object: Sendable, Hashable {
        case table(String, [Privilege])
        /// Only these columns may be updated.
        case columns(String, [String])
        case sequence(String)
        case function(String)
    }

    let object: Object

    /// Rights on a table. Names are the program's own: they go into the statement as they stand.
    public static func table(_ name: String, _ privileges: [Privilege]) -> Grant {
        precondition(isName(name) && !privileges.isEmpty, "not a grant")
        return Grant(object: .table(name, privileges))
    }

    /// UPDATE of some columns only.
    public static func update(_ table: String, columns: [String]) -> Grant {
        precondition(isName(table) && columns.allSatisfy(isName) && !columns.isEmpty, "not a grant")
        return Grant(object: .columns(table, columns))
    }

    /// The next number of a sequence that no identity column owns.
    public static func sequence(_ name: String) -> Grant {
        precondition(isName(name), "not a grant")
        return Grant(object: .sequence(name))
    }

    /// EXECUTE of a function, named with its argument types: `f(text)`.
    public static func function(_ signature: String) -> Grant { Grant(object: .function(signature)) }

    /// The statement, for a role whose quoted name is given.
    func statement(to role: String) -> String {
        switch object {
        case .table(let name, let privileges):
            "GRANT \(privileges.map(\.rawValue).joined(separator: ", ")) ON TABLE \(name) TO \(role)"
        case .columns(let name, let columns):
            "GRANT UPDATE (\(columns.joined(separator: ", "))) ON TABLE \(name) TO \(role)"
        case .sequence(let name): "GRANT USAGE ON SEQUENCE \(name) TO \(role)"
        case .function(let signature): "GRANT EXECUTE ON FUNCTION \(signature) TO \(role)"
        }
    }

    private static func isName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_")
            }
    }
}
