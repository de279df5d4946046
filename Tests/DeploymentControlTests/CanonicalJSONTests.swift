import Encoding
import Testing

@testable import DeploymentControl

@Suite struct CanonicalJSONTests {
    private func canonical(_ text: String) throws -> String {
        String(decoding: CanonicalJSON.bytes(of: try JSONReader.parse(text)), as: UTF8.self)
    }

    @Test("texts that mean the same have one form")
    func sameMeaning() throws {
        #expect(try canonical(#" { "b" : 1.0, "a":[ 1e2 , "x y" ] } "#) == #"{"a":[100,"x y"],"b":1}"#)
        #expect(try canonical(#"{"n":0.10}"#) == #"{"n":0.1}"#)
        #expect(try canonical(#"{"a":"\u0041"}"#) == canonical(#"{"a":"A"}"#))
    }

    @Test("different summaries stay different, down to their blanks")
    func blanksCount() throws {
        #expect(try canonical(#"{"s":"a  b"}"#) != canonical(#"{"s":"a b"}"#))
        #expect(try canonical(#"{"n":123456789012345678901234567890}"#) != canonical(#"{"n":123456789012345678901234567891}"#))
    }
}
