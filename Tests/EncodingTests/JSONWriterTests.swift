import Encoding
import Testing

@Suite struct JSONWriterTests {
    @Test("commas, keys and brackets fall into place")
    func structure() {
        var json = JSONWriter(capacity: 1)
        json.beginObject()
        json.member("id", UUID(high: 0x0123_4567_89AB_4DEF, low: 0x8123_4567_89AB_CDEF))
        json.member("at", Timestamp(microseconds: 1))
        json.key("list")
        json.array([1, 2, 3]) { json, element in json.value(element) }
        json.key("empty")
        json.beginArray()
        json.endArray()
        json.key("none")
        json.object { _ in }
        json.member("nothing", String?.none)
        json.memberIfPresent("left out", Int?.none)
        json.memberIfPresent("there", 5)
        json.member("nested", [[true, false], []])
        json.key(dynamic: "a\"b")
        json.value(literal: "x")
        json.key("hex")
        [UInt8]([0, 255]).withUnsafeBytes { json.value(hex: $0) }
        json.key("raw")
        [UInt8]("[1]".utf8).withUnsafeBytes { json.value(json: $0) }
        json.member("double", 0.1)
        json.member("infinite", Double.infinity)
        json.member("tree", ["k": ["v", nil, 1, true]] as JSONValue)
        json.endObject()
        let expected = """
            {"id":"01234567-89ab-4def-8123-456789abcdef","at":"1970-01-01T00:00:00.000001Z","list":[1,2,3],"empty":[],\
            "none":{},"nothing":null,"there":5,"nested":[[true,false],[]],"a\\"b":"x","hex":"00ff","raw":[1],"double":0.1,\
            "infinite":null,"tree":{"k":["v",null,1,true]}}
            """
        #expect(String(decoding: json.finish(), as: UTF8.self) == expected)
    }

    @Test("a writer is used again after its bytes were taken")
    func reuse() {
        var json = JSONWriter()
        for round in 0..<3 {
            json.beginArray()
            json.value(round)
            json.endArray()
            #expect(json.take() == [UInt8]("[\(round)]".utf8))
        }
    }

    @Test("integers are written to the ends of their range")
    func integers() {
        var json = JSONWriter()
        json.beginArray()
        json.value(Int.min)
        json.value(Int.max)
        json.value(UInt64.max)
        json.value(Int64.min)
        json.value(0)
        json.value(9)
        json.value(10)
        json.value(Int32.min)
        json.endArray()
        let expected = "[\(Int.min),\(Int.max),\(UInt64.max),\(Int64.min),0,9,10,\(Int32.min)]"
        #expect(String(decoding: json.finish(), as: UTF8.self) == expected)
    }

    @Test("each control character, quote and backslash is escaped at every place in a string")
    func escapes() throws {
        for code in (0...0x7F as ClosedRange<UInt8>) {
            for prefix in 0..<10 {
                let text = String(repeating: "é", count: prefix / 3) + String(repeating: "x", count: prefix)
                    + String(Unicode.Scalar(code)) + "tail of the text"
                var json = JSONWriter()
                json.value(text)
                let bytes = json.finish()
                #expect(!bytes.contains { $0 < 0x20 })
                #expect(try JSONReader.parse(bytes) == .string(text))
            }
        }
    }

    @Test("strings longer than a piece are written whole", arguments: [1022, 1023, 1024, 1025, 2048, 5000])
    func longStrings(length: Int) throws {
        for filler in ["x", "\u{1}", "\"", "é", "😀"] {
            let text = String(repeating: filler, count: length)
            #expect(try JSONReader.parse(JSONValue.string(text).bytes) == .string(text))
        }
    }

    @Test("objects keep the order of their members, changes included")
    func order() {
        var object = JSONObject()
        for key in 0..<20 { object["k\(key)"] = .number(JSONNumber(key)) }
        object["k3"] = nil
        object["k5"] = "five"
        object["k20"] = true
        #expect(object.keys == (0...20).filter { $0 != 3 }.map { "k\($0)" })
        #expect(object["k5"] == "five")
        #expect(object["k3"] == nil)
        #expect(object["k19"]?.int == 19)
    }
}
