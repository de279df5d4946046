/// How values of one Swift type travel to the server: the type a parameter is declared with and its wire format.
public struct PostgresType: Sendable, Hashable {
    /// Declared type of the parameter; 0 lets the server infer it (text format only).
    public let oid: UInt32
    /// Type of an array of such values.
    public let arrayOID: UInt32
    /// Type of the elements inside that array. Arrays are always declared and binary.
    public let elementOID: UInt32
    /// Binary or text format of a single parameter.
    public let isBinary: Bool

    public init(oid: UInt32, arrayOID: UInt32, elementOID: UInt32? = nil, isBinary: Bool = true) {
        self.oid = oid
        self.arrayOID = arrayOID
        self.elementOID = elementOID ?? oid
        self.isBinary = isBinary
    }

    public static let bool = PostgresType(oid: 16, arrayOID: 1000)
    public static let bytea = PostgresType(oid: 17, arrayOID: 1001)
    public static let int2 = PostgresType(oid: 21, arrayOID: 1005)
    public static let int4 = PostgresType(oid: 23, arrayOID: 1007)
    public static let int8 = PostgresType(oid: 20, arrayOID: 1016)
    public static let float8 = PostgresType(oid: 701, arrayOID: 1022)
    public static let uuid = PostgresType(oid: 2950, arrayOID: 2951)
    public static let timestamptz = PostgresType(oid: 1184, arrayOID: 1185)
    public static let jsonb = PostgresType(oid: 3802, arrayOID: 3807)
    /// A single text is left for the server to infer, so that it also serves enum, inet, interval and other columns; an array of texts is `text[]`.
    public static let text = PostgresType(oid: 0, arrayOID: 1009, elementOID: 25, isBinary: false)
}

/// OIDs of the server's built-in types that are decoded or named in errors (`pg_type.dat`; they never change).
enum TypeOID {
    static let bool: UInt32 = 16, bytea: UInt32 = 17, char: UInt32 = 18, name: UInt32 = 19, int8: UInt32 = 20
    static let int2: UInt32 = 21, int4: UInt32 = 23, text: UInt32 = 25, oid: UInt32 = 26, xid: UInt32 = 28
    static let json: UInt32 = 114, xml: UInt32 = 142, float4: UInt32 = 700, float8: UInt32 = 701
    static let unknown: UInt32 = 705, bpchar: UInt32 = 1042, varchar: UInt32 = 1043
    static let timestamp: UInt32 = 1114, timestamptz: UInt32 = 1184, numeric: UInt32 = 1700
    static let uuid: UInt32 = 2950, jsonb: UInt32 = 3802, xid8: UInt32 = 5069, void: UInt32 = 2278
    /// Types at or above are made by users: enums, and extensions' types.
    static let firstOfUsers: UInt32 = 16384

    private static let names: [UInt32: String] = [
        16: "bool", 17: "bytea", 18: "\"char\"", 19: "name", 20: "int8", 21: "int2", 23: "int4", 25: "text", 26: "oid",
        28: "xid", 114: "json", 142: "xml", 600: "point", 650: "cidr", 700: "float4", 701: "float8", 705: "unknown",
        829: "macaddr", 869: "inet", 1000: "bool[]", 1001: "bytea[]", 1005: "int2[]", 1007: "int4[]", 1009: "text[]",
        1015: "varchar[]", 1016: "int8[]", 1021: "float4[]", 1022: "float8[]", 1042: "bpchar", 1043: "varchar",
        1082: "date", 1083: "time", 1114: "timestamp", 1115: "timestamp[]", 1184: "timestamptz", 1185: "timestamptz[]",
        1186: "interval", 1231: "numeric[]", 1266: "timetz", 1560: "bit", 1562: "varbit", 1700: "numeric",
        2205: "regclass", 2249: "record", 2278: "void", 2950: "uuid", 2951: "uuid[]", 3220: "pg_lsn", 3802: "jsonb",
        3807: "jsonb[]", 5069: "xid8",
    ]

    static func name(_ oid: UInt32) -> String { names[oid] ?? "the type with OID \(oid)" }
}
