/// Writes itself as exactly one JSON value.
public protocol JSONEncodable {
    func encode(to json: inout JSONWriter)
}

extension Bool: JSONEncodable {
    @inlinable public func encode(to json: inout JSONWriter) { json.value(self) }
}

extension Int: JSONEncodable {
    @inlinable public func encode(to json: inout JSONWriter) { json.value(self) }
}

extension Int32: JSONEncodable {
    @inlinable public func encode(to json: inout JSONWriter) { json.value(Int(self)) }
}

extension Int64: JSONEncodable {
    @inlinable public func encode(to json: inout JSONWriter) { json.value(self) }
}

extension UInt64: JSONEncodable {
    @inlinable public func encode(to json: inout JSONWriter) { json.value(self) }
}

extension Double: JSONEncodable {
    public func encode(to json: inout JSONWriter) { json.value(self) }
}

extension String: JSONEncodable {
    @inlinable public func encode(to json: inout JSONWriter) { json.value(self) }
}

extension UUID: JSONEncodable {
    public func encode(to json: inout JSONWriter) { json.value(self) }
}

extension Timestamp: JSONEncodable {
    /// RFC 3339 with microseconds.
    public func encode(to json: inout JSONWriter) { json.value(self, .microseconds) }
}

extension JSONValue: JSONEncodable {
    public func encode(to json: inout JSONWriter) { json.value(self) }
}

extension JSONNumber: JSONEncodable {
    public func encode(to json: inout JSONWriter) { json.value(self) }
}

extension Optional: JSONEncodable where Wrapped: JSONEncodable {
    @inlinable public func encode(to json: inout JSONWriter) {
        if let self { self.encode(to: &json) } else { json.null() }
    }
}

extension Array: JSONEncodable where Element: JSONEncodable {
    @inlinable public func encode(to json: inout JSONWriter) {
        json.beginArray()
        for element in self { element.encode(to: &json) }
        json.endArray()
    }
}
