import Encoding

/// Any bytes are read or refused; what was read, written in flow style, is read back with the same content.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzYAML(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: data, count: size)
    let node: YAMLNode
    do throws(YAMLError) {
        node = try YAMLReader.parse(input, limits: YAMLLimits(depthMax: 32, nodesMax: 2000, textBytesMax: 1 << 16))
    } catch {
        precondition(error.position.line >= 1 && error.position.column >= 1, "an error at no place")
        return 0
    }
    precondition(node.hasSameContent(as: node), "a tree differs from itself")
    var text: [UInt8] = []
    writeFlow(node, to: &text)
    do throws(YAMLError) {
        let limits = YAMLLimits(bytesMax: 1 << 24, depthMax: 32, nodesMax: 2000, textBytesMax: 1 << 16)
        let again = try YAMLReader.parse(text, limits: limits)
        precondition(again.hasSameContent(as: node), "what was written reads differently")
    } catch {
        preconditionFailure("what was written is refused: \(error)")
    }
    return 0
}

private func writeFlow(_ node: YAMLNode, to text: inout [UInt8]) {
    switch node.content {
    case .scalar(let scalar):
        write(scalar, to: &text)
    case .sequence(let nodes):
        text += "[".utf8
        for element in nodes {
            writeFlow(element, to: &text)
            text += ",\n".utf8
        }
        text += "]".utf8
    case .mapping(let mapping):
        text += "{".utf8
        for entry in mapping.entries {
            text += "? ".utf8
            if !entry.key.text.isEmpty || entry.key.kind == .string { write(entry.key, to: &text) }
            text += "\n: ".utf8
            writeFlow(entry.value, to: &text)
            text += ",\n".utf8
        }
        text += "}".utf8
    }
}

private func write(_ scalar: YAMLScalar, to text: inout [UInt8]) {
    guard scalar.kind == .string else {
        text += (scalar.text.isEmpty ? "~" : scalar.text).utf8
        return
    }
    text.append(UInt8(ascii: "\""))
    for unit in scalar.text.unicodeScalars {
        switch unit.value {
        case 0x20...0x7E where unit != "\"" && unit != "\\": text.append(UInt8(unit.value))
        default:
            let digits = String(unit.value, radix: 16)
            text += ("\\U" + String(repeating: "0", count: 8 - digits.count) + digits).utf8
        }
    }
    text.append(UInt8(ascii: "\""))
}
