public import Encoding

extension UUID: PathParameterValue {
    public init?(pathParameter text: String) { self.init(text) }
}
