import Crypto
import HTTP
import Testing

@testable import ServiceKit

@Suite struct IdempotencyKeyTests {
    private func outcome(_ values: [String]) -> Result<String, IdempotencyKey.Problem> {
        do throws(IdempotencyKey.Problem) {
            return .success(try IdempotencyKey(fieldValues: values).text)
        } catch {
            return .failure(error)
        }
    }

    @Test("bare and quoted are the same key")
    func sameKey() {
        #expect(outcome(["abc-1"]) == .success("abc-1"))
        #expect(outcome(["\"abc-1\""]) == .success("abc-1"))
        #expect(outcome([" abc-1 "]) == .success("abc-1"))
        #expect(outcome(["abc-1", "\"abc-1\""]) == .success("abc-1"))
        #expect(outcome(["\"a\\\"b\\\\c\""]) == .success("a\"b\\c"))
        #expect(outcome([String(repeating: "k", count: 255)]) == .success(String(repeating: "k", count: 255)))
    }

    @Test("a blank key is missing", arguments: [[], [""], ["  "], ["\"\""]])
    func missing(values: [String]) {
        #expect(outcome(values) == .failure(.missing))
    }

    @Test(
        "other keys are malformed",
        arguments: [
            ["a", "b"], ["a b"], ["\"a"], ["a\""], ["\"a\"b\""], ["\"a\\x\""], ["\"a\\"], ["é"], ["a\u{7f}"],
            [String(repeating: "k", count: 256)], ["\""],
        ])
    func malformed(values: [String]) {
        #expect(outcome(values) == .failure(.malformed))
    }

    @Test("a fingerprint tells apart method, path, client and body")
    func fingerprint() throws {
        let key = try IdempotencyKey(fieldValues: ["k"])
        func request(_ client: String, _ method: String, _ path: String, _ body: String) -> IdempotentRequest {
            IdempotentRequest(client: client, method: method, path: path, key: key, bodyDigest: SHA256.hash(body))
        }
        let all = [
            request("a", "POST", "/x", ""), request("a", "POST", "/x", "b"), request("a", "PUT", "/x", ""),
            request("b", "POST", "/x", ""), request("a", "POST", "/xa", ""), request("", "POST", "/xa", ""),
        ]
        #expect(Set(all.map(\.fingerprint)).count == all.count)
        #expect(request("a", "POST", "/x", "b") == all[1])
    }

    @Test("a stored answer comes back byte for byte")
    func stored() throws {
        var fields = HTTPFields()
        fields.add("Content-Type", "application/json")
        fields.add("Location", "/v1/x: y")
        fields.add("X-Empty", "")
        let response = StoredResponse(status: 201, fields: fields, body: [0, 255, 10])
        #expect(StoredResponse.fields(from: response.fieldText) == fields)
        #expect(response.response(replayed: true).fields.first("Idempotency-Replayed") == "true")
        #expect(StoredResponse(Response(.ok, body: .stream(contentLength: nil) { _ in })) == nil)
    }
}
