import Encoding
import Foundation
import SiteControlDomain
import TestSupport
import Testing

/// The examples of the OpenAPI files: each fits its schema, and each request is sent.
@Suite struct ContractExampleTests {
    let contract: SiteContract

    init() throws { contract = try SiteContract.shared.get() }

    @Test("every body has an example, and every example fits its schema")
    func examplesFit() throws {
        for entry in contract.entries {
            let check = SchemaCheck(root: entry.document.root)
            var bodies: [(String, YAMLNode)] = []
            if let body = entry.node["requestBody"]?["content"]?["application/json"] { bodies.append(("request", body)) }
            for (status, response) in entry.node["responses"].entries {
                for (type, body) in try response.dereferenced(in: entry.document.root)["content"].entries
                where type != "text/plain" {
                    bodies.append((status, body))
                }
            }
            for (name, body) in bodies {
                let example = try #require(body["example"], "\(entry.operationID) \(name) has no example")
                let schema = try #require(body["schema"])
                let problems = check.problems(of: example.json, schema)
                #expect(problems.isEmpty, "\(entry.operationID) \(name): \(problems)")
            }
        }
    }

    @Test("a body schema refuses members that it does not know")
    func bodiesAreStrict() throws {
        for entry in contract.entries {
            guard let body = entry.node["requestBody"]?["content"]?["application/json"] else { continue }
            let schema = try #require(body["schema"]).dereferenced(in: entry.document.root)
            #expect(schema["additionalProperties"]?.bool == false, "\(entry.operationID)")
            guard case .object(var object) = body["example"]?.json else { continue }
            object["surplus"] = true
            #expect(!SchemaCheck(root: entry.document.root).problems(of: .object(object), schema).isEmpty)
        }
    }

    @Test("the example of the event stream is a job's story: numbered from 1, each event as declared")
    func eventsFit() throws {
        let entry = try contract.entry("followJob")
        let media = try #require(entry.node["responses"]?["200"]?["content"]?["text/event-stream"])
        let text = try #require(media["example"]?.text)
        let problems = try contract.problems(ofEvents: text, of: entry)
        #expect(text.hasPrefix("id: 1\n"))
        #expect(problems.isEmpty, "\(problems)")
    }
}
