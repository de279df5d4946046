import Encoding
import Testing

@Suite struct YAMLLimitsTests {
    private func kindOf(_ text: String, _ limits: YAMLLimits = .standard) -> YAMLError.Kind? {
        do throws(YAMLError) {
            _ = try YAMLReader.parse(text, limits: limits)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test("an alias stands for what it names")
    func aliases() throws {
        let node = try YAMLReader.parse("a: &x {k: [1, 2]}\nb: *x\nc: &y v\n*y : *y")
        #expect(node["b"]?["k"]?.sequence?.map(\.int) == [1, 2])
        #expect(node["v"]?.string == "v")
        #expect(node["b"]?.position == YAMLPosition(line: 1, column: 4))
    }

    @Test("an anchor defined again names the newer node")
    func redefined() throws {
        #expect(try YAMLReader.parse("[&a 1, *a, &a 2, *a]").sequence?.map(\.int) == [1, 1, 2, 2])
    }

    @Test("a tower of aliases that would grow to billions ends at the node limit")
    func billionLaughs() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(kindOf(text) == .nodeLimit)
    }

    @Test("a long text behind many aliases ends at the text limit")
    func quadraticText() {
        let text = "a: &a \(String(repeating: "x", count: 100_000))\nb: [\(Array(repeating: "*a", count: 1000).joined(separator: ","))]"
        #expect(kindOf(text) == .textLimit)
    }

    @Test("depth counts through aliases")
    func aliasDepth() {
        let limits = YAMLLimits(depthMax: 3)
        #expect(kindOf("a: &a [[1]]", limits) == nil)
        #expect(kindOf("[&a [1], [*a]]", limits) == nil)
        #expect(kindOf("[&a [1], [[*a]]]", limits) == .depthLimit)
        #expect(kindOf("[&a 1, [[*a]]]", limits) == nil)
        var tower = "- &a0 [x]\n"
        for level in 1...100 { tower += "- &a\(level) [*a\(level - 1)]\n" }
        #expect(kindOf(tower) == .depthLimit)
    }

    @Test("nesting is read up to the limit and refused past it, in flow and block style")
    func depth() {
        for limit in [1, 8, 64] {
            let limits = YAMLLimits(depthMax: limit)
            for count in [limit, limit + 1] {
                let flow = String(repeating: "[", count: count) + String(repeating: "]", count: count)
                #expect(kindOf(flow, limits) == (count > limit ? .depthLimit : nil), "flow \(count)")
                let block = String(repeating: "- ", count: count) + "x"
                #expect(kindOf(block, limits) == (count > limit ? .depthLimit : nil), "block \(count)")
                let pairs = (0..<count).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
                #expect(kindOf(pairs, limits) == (count > limit ? .depthLimit : nil), "mapping \(count)")
            }
        }
        #expect(YAMLLimits(depthMax: .max).depthMax == YAMLLimits.depthCeiling)
    }

    @Test("nodes are counted, keys included")
    func nodes() {
        #expect(kindOf("{a: 1, b: [x]}", YAMLLimits(nodesMax: 6)) == nil)
        #expect(kindOf("{a: 1, b: [x]}", YAMLLimits(nodesMax: 5)) == .nodeLimit)
        #expect(kindOf("[&a [x], *a]", YAMLLimits(nodesMax: 5)) == nil)
        #expect(kindOf("[&a [x], *a]", YAMLLimits(nodesMax: 4)) == .nodeLimit)
    }

    @Test("bytes and text are counted")
    func bytes() {
        #expect(kindOf("abcd", YAMLLimits(bytesMax: 4)) == nil)
        #expect(kindOf("abcd", YAMLLimits(bytesMax: 3)) == .byteLimit)
        #expect(kindOf("[ab, &a cd, *a]", YAMLLimits(textBytesMax: 6)) == nil)
        #expect(kindOf("[ab, &a cd, *a]", YAMLLimits(textBytesMax: 5)) == .textLimit)
    }

    @Test("texts made to be slow are read or refused all the same", arguments: [
        String(repeating: "[", count: 50_000), String(repeating: "{", count: 50_000), String(repeating: "- ", count: 50_000),
        String(repeating: "? ", count: 50_000), String(repeating: "[a: ", count: 20_000), String(repeating: "&a ", count: 50_000),
        String(repeating: "-\n", count: 50_000), String(repeating: "\"", count: 50_000), String(repeating: "a: ", count: 50_000),
        "\"" + String(repeating: "\\u0041", count: 50_000) + "\"", String(repeating: "#", count: 100_000) + "\na",
        "a: " + String(repeating: "\n\n ", count: 50_000) + "b", String(repeating: "%YAML 1.2\n", count: 20_000),
        String(repeating: "%TAG !a\(1)! x\n", count: 20_000), "[" + String(repeating: "a,", count: 40_000) + "]",
    ])
    func slowTexts(text: String) {
        _ = kindOf(text)
    }

    @Test("long mappings find every key and every duplicate")
    func longMappings() throws {
        let text = (0..<3000).map { "key\($0): \($0)\n" }.joined()
        let node = try YAMLReader.parse(text)
        for index in 0..<3000 { #expect(node["key\(index)"]?.int == index) }
        #expect(kindOf(text + "key1234: again") == .duplicateKey)
        let numbers = (0..<3000).map { "\($0): x\n" }.joined()
        #expect(kindOf(numbers) == nil)
        #expect(kindOf(numbers + "0o1777: again") == .duplicateKey)
    }
}
