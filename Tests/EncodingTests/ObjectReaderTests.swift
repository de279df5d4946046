import Encoding
import Testing

@Suite struct ObjectReaderTests {
    enum Mode: String, CaseIterable { case sync, async }

    struct Draft: Equatable {
        var name: String
        var port: Int
        var mode: Mode
        var tags: [String]
        var owner: UUID
        var note: String?
    }

    static func read(_ text: String) throws -> Draft {
        try ObjectReader.read(JSONReader.parse(text)) { object in
            let name = object.field("name").string(length: 1...10)
            let port = object.field("port").int(in: 1...65_535)
            let mode = object.field("mode").enumeration(Mode.self)
            let tags = object.field("tags").array(count: 0...3) { $0.string() }
            let owner = object.field("owner").object { $0.field("id").uuid() }
            let note = object.optional("note")?.string()
            guard let name, let port, let mode, let tags, let owner else { return nil }
            return Draft(name: name, port: port, mode: mode, tags: tags, owner: owner, note: note)
        }
    }

    static func problems(_ text: String) throws -> [String] {
        let error = try #require(throws: FieldProblems.self) { _ = try read(text) }
        return error.problems.map { "\($0.pointer) \($0.kind.rawValue)" }
    }

    @Test("a body without problems becomes the value")
    func good() throws {
        let id = UUID(high: 1, low: 2)
        let draft = try Self.read(
            #"{"name":"x","port":8e1,"mode":"sync","tags":["a"],"owner":{"id":"\#(id)"},"note":null}"#)
        #expect(draft == Draft(name: "x", port: 80, mode: .sync, tags: ["a"], owner: id, note: nil))
    }

    @Test("all problems of a body are told at once, each with its pointer")
    func allAtOnce() throws {
        let found = try Self.problems(
            #"{"name":"","port":"80","mode":"Sync","tags":["a",1,null],"owner":{"id":"x","a/b":1},"note":5,"extra":{}}"#)
        #expect(found == [
            "/name out_of_range", "/port wrong_type", "/mode invalid", "/tags/1 wrong_type", "/tags/2 wrong_type",
            "/owner/id invalid", "/owner/a~1b unknown_field", "/note wrong_type", "/extra unknown_field",
        ])
    }

    @Test("missing and null are told apart")
    func missing() throws {
        #expect(try Self.problems(#"{"name":null,"tags":{},"owner":[]}"#) == [
            "/name wrong_type", "/port missing", "/mode missing", "/tags wrong_type", "/owner wrong_type",
        ])
    }

    @Test("a body that is no object is one problem at the root", arguments: ["[]", "null", "1", "\"x\"", "true"])
    func noObject(text: String) throws {
        #expect(try Self.problems(text) == [" wrong_type"])
    }

    @Test("numbers that are no integers and integers out of range are told apart", arguments: [
        ("1.5", "wrong_type"), ("0", "out_of_range"), ("65536", "out_of_range"), ("99999999999999999999", "out_of_range"),
        ("1e999999", "wrong_type"), ("true", "wrong_type"),
    ])
    func integers(number: String, kind: String) throws {
        let body = #"{"name":"x","mode":"sync","tags":[],"owner":{"id":"\#(UUID(high: 0, low: 0))"},"port":\#(number)}"#
        #expect(try Self.problems(body) == ["/port \(kind)"])
    }

    @Test("an array outside its length is refused as one, without a look at its elements")
    func arrayLength() throws {
        let error = try #require(throws: FieldProblems.self) {
            _ = try ObjectReader.read(["a": [1, 2, 3]]) { $0.field("a").array(count: 0...2) { $0.string() } }
        }
        #expect(error.problems.map(\.message) == ["must have 0 to 2 elements, not 3"])
    }

    @Test("unknown members may be let through")
    func unknownKeys() throws {
        #expect(try ObjectReader.read(["a": 1, "b": 2], unknownKeys: .ignore) { $0.field("a").int() } == 1)
    }

    @Test("a caller adds problems of its own, and they stop the reading")
    func ownProblems() throws {
        let error = try #require(throws: FieldProblems.self) {
            _ = try ObjectReader.read(["from": 5, "to": 3]) { object -> Int? in
                guard let from = object.field("from").int(), let to = object.field("to").int() else { return nil }
                if to < from { object.problem("to", .invalid, "must not be before from") }
                return to
            }
        }
        #expect(error.problems.map(\.description) == ["/to: must not be before from"])
    }

    @Test("nothing of a value is repeated in a message, and their number is bounded")
    func bounded() throws {
        let values = JSONValue.array((0..<1000).map { _ in ["secret": "hunter2"] })
        let error = try #require(throws: FieldProblems.self) {
            _ = try ObjectReader.read(["list": values]) { $0.field("list").array { $0.int() } }
        }
        #expect(error.problems.count == FieldProblems.countMax)
        #expect(error.problems.allSatisfy { !$0.description.contains("hunter2") && !$0.description.contains("secret") })
    }

    @Test("times, booleans, doubles and conversions are read or refused")
    func otherTypes() throws {
        let body: JSONValue = ["t": "2026-01-18T10:30:00Z", "b": true, "d": 2, "c": "yes", "x": "2026-01-18"]
        let value = try ObjectReader.read(body, unknownKeys: .ignore) { object in
            (
                object.field("t").timestamp(), object.field("b").bool(), object.field("d").double(in: 0...3),
                object.field("c").string(as: { $0 == "yes" ? 1 : nil }, expects: "yes")
            )
        }
        #expect(value.0 == Timestamp(seconds: 1_768_732_200))
        #expect(value.1 == true && value.2 == 2 && value.3 == 1)
        #expect(throws: FieldProblems.self) { _ = try ObjectReader.read(body, unknownKeys: .ignore) { $0.field("x").timestamp() } }
        #expect(throws: FieldProblems.self) { _ = try ObjectReader.read(body, unknownKeys: .ignore) { $0.field("d").double(in: 3...4) } }
    }
}
