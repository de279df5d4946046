internal import CYAML

/// What libyaml reports, as Swift values.
enum YAMLEvent {
    case documentStart
    case documentEnd
    case alias(String)
    case scalar(anchor: String?, YAMLScalar)
    case sequenceStart(anchor: String?)
    case sequenceEnd
    case mappingStart(anchor: String?)
    case mappingEnd
}

/// Owns one libyaml parser and frees it, and every event, on all paths. Refuses tags and directives.
final class YAMLEventSource {
    /// On the heap: libyaml keeps the address of its parser.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeRawBufferPointer
    /// A character's number and its first byte. libyaml counts characters; this follows in bytes.
    private var cursor = (index: 0, byte: 0)
    private var documents = 0

    /// - Parameter text: checked UTF-8 without a byte order mark; must outlive this object.
    init(_ text: UnsafeRawBufferPointer) throws(YAMLError) {
        self.text = text
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1 else {
            // Whatever was allocated before the failure is freed by libyaml's own clean-up, which deinit repeats harmlessly.
            throw YAMLError(kind: .outOfMemory, position: YAMLText.start)
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deinitialize(count: 1)
        parser.deallocate()
    }

    /// Nil at the end of the stream.
    func next() throws(YAMLError) -> (YAMLEvent, YAMLPosition)? {
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
            defer { yaml_event_delete(&event) }
            let position = Self.position(event.start_mark)
            switch event.type {
            case YAML_STREAM_START_EVENT:
                continue
            case YAML_STREAM_END_EVENT, YAML_NO_EVENT:
                return nil
            case YAML_DOCUMENT_START_EVENT:
                documents += 1
                guard documents == 1 else { throw YAMLError(kind: .multipleDocuments, position: position) }
                let tags = event.data.document_start.tag_directives
                guard tags.start == tags.end else { throw YAMLError(kind: .tag, position: position) }
                return (.documentStart, position)
            case YAML_DOCUMENT_END_EVENT:
                return (.documentEnd, position)
            case YAML_ALIAS_EVENT:
                return (.alias(Self.string(event.data.alias.anchor) ?? ""), position)
            case YAML_SCALAR_EVENT:
                let scalar = event.data.scalar
                guard scalar.tag == nil, !hasTag(event.start_mark) else { throw YAMLError(kind: .tag, position: position) }
                let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
                let value = YAMLScalar(text, style: Self.style(scalar.style))
                return (.scalar(anchor: Self.string(scalar.anchor), value), position)
            case YAML_SEQUENCE_START_EVENT:
                let sequence = event.data.sequence_start
                guard sequence.tag == nil else { throw YAMLError(kind: .tag, position: position) }
                return (.sequenceStart(anchor: Self.string(sequence.anchor)), position)
            case YAML_SEQUENCE_END_EVENT:
                return (.sequenceEnd, position)
            case YAML_MAPPING_START_EVENT:
                let mapping = event.data.mapping_start
                guard mapping.tag == nil else { throw YAMLError(kind: .tag, position: position) }
                return (.mappingStart(anchor: Self.string(mapping.anchor)), position)
            case YAML_MAPPING_END_EVENT:
                return (.mappingEnd, position)
            default:
                throw YAMLError(kind: .syntax, position: position)
            }
        }
    }

    private func failure() -> YAMLError {
        if parser.pointee.error == YAML_MEMORY_ERROR {
            return YAMLError(kind: .outOfMemory, position: Self.position(parser.pointee.mark))
        }
        let detail = parser.pointee.problem.map { String(cString: $0) } ?? ""
        let kind: YAMLError.Kind =
            switch detail {
            case "found incompatible YAML document": .unsupportedVersion
            case "found undefined tag handle": .tag
            default: .syntax
            }
        return YAMLError(kind: kind, position: Self.position(parser.pointee.problem_mark), detail: detail)
    }

    /// Whether the properties of a scalar hold a tag. libyaml drops the lone `!` of a scalar, which makes `! true` a
    /// string in YAML 1.2: it has to be seen in the text.
    private func hasTag(_ mark: yaml_mark_t) -> Bool {
        var index = byteOffset(of: Int(mark.index))
        guard index < text.count, text[index] == UInt8(ascii: "&") || text[index] == UInt8(ascii: "!") else { return false }
        if text[index] == UInt8(ascii: "&") {
            index += 1
            while index < text.count, Self.isAnchorCharacter(text[index]) { index += 1 }
            // Between the properties may stand white space, line breaks and comments.
            var inComment = false
            while index < text.count {
                let byte = text[index]
                if byte == 10 || byte == 13 {
                    inComment = false
                } else if !inComment, byte == UInt8(ascii: "#") {
                    inComment = true
                } else if !inComment, byte > 0x20 {
                    break
                }
                index += 1
            }
        }
        return index < text.count && text[index] == UInt8(ascii: "!")
    }

    /// As libyaml has it.
    private static func isAnchorCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// Events come in the order of the text, so that this walks over it once in all.
    private func byteOffset(of index: Int) -> Int {
        while cursor.index < index, cursor.byte < text.count {
            cursor.byte += 1
            while cursor.byte < text.count, text[cursor.byte] & 0xC0 == 0x80 { cursor.byte += 1 }
            cursor.index += 1
        }
        while cursor.index > index, cursor.byte > 0 {
            cursor.byte -= 1
            while cursor.byte > 0, text[cursor.byte] & 0xC0 == 0x80 { cursor.byte -= 1 }
            cursor.index -= 1
        }
        return cursor.byte
    }

    private static func position(_ mark: yaml_mark_t) -> YAMLPosition {
        YAMLPosition(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private static func string(_ text: UnsafePointer<UInt8>?) -> String? {
        text.map { String(cString: $0) }
    }

    private static func style(_ style: yaml_scalar_style_t) -> YAMLScalar.Style {
        switch style {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
        case YAML_LITERAL_SCALAR_STYLE: .literal
        case YAML_FOLDED_SCALAR_STYLE: .folded
        default: .plain
        }
    }
}
