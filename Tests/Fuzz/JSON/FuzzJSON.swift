import Encoding

/// Any bytes are read or refused with a place inside them; what was read is written and read back as the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: data, count: size)
    let value: JSONValue
    do throws(JSONError) {
        value = try JSONReader.parse(input)
    } catch {
        precondition(error.offset >= 0 && error.offset <= size, "an error outside the text")
        precondition(error.line >= 1 && error.column >= 1, "an error at no place")
        return 0
    }
    let written = value.bytes
    let again: JSONValue
    do throws(JSONError) {
        again = try JSONReader.parse(written)
    } catch {
        preconditionFailure("what was written is refused: \(error)")
    }
    precondition(again == value, "what was written reads differently")
    precondition(again.bytes == written, "writing is not stable")
    checkNumbers(value)
    return 0
}

private func checkNumbers(_ value: JSONValue) {
    switch value {
    case .number(let number):
        let double = number.double
        if let int = number.int64, let double {
            precondition(Double(int) == double, "integer and double differ: \(number.text)")
        }
        if let unsigned = number.uint64, let double {
            precondition(Double(unsigned) == double, "integer and double differ: \(number.text)")
        }
    case .array(let elements): elements.forEach(checkNumbers)
    case .object(let object):
        for (position, member) in object.members.enumerated() {
            precondition(object.position(of: member.key) == position, "a key is not where it stands")
            checkNumbers(member.value)
        }
    default: break
    }
}
