/// Finds ports that bind a wildcard address.
///
/// Looked at are string entries of `ports` and, in mapping entries at any depth, the values under the address keys.
/// Those keys are compared without case, `-` and `_`: `hostIP` and `host-ip` bind as `host_ip` does.
enum PortExposure {
    private static let addressKeys = ["bind", "host", "address", "hostip", "ip", "listen"].map { Array($0.utf8) }

    static func findAll(in config: AppConfig, _ broken: inout Findings) {
        for (index, port) in config.ports.enumerated() {
            var path = DocumentPath()
            path.push(key: "ports")
            path.push(index: index)
            switch port {
            case .number: break
            case .text(let text):
                if WildcardAddress.isBound(byEntry: text) { add(text, path, &broken) }
            case .mapping(let entries): search(entries, &path, &broken)
            }
        }
    }

    /// Entries in the order of their keys, so that the order in the file does not show.
    private static func search(
        _ entries: [DocumentValue.Entry], _ path: inout DocumentPath, _ broken: inout Findings
    ) {
        for entry in entries.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            path.push(key: entry.key)
            search(entry.value, isAddress: isAddressKey(entry.key), &path, &broken)
            path.pop()
        }
    }

    private static func search(
        _ value: DocumentValue, isAddress: Bool, _ path: inout DocumentPath, _ broken: inout Findings
    ) {
        switch value {
        case .string(let text), .integer(let text), .float(let text):
            if isAddress, WildcardAddress.isBound(byAddress: text) { add(text, path, &broken) }
        case .null, .bool: break
        case .sequence(let items):
            for (index, item) in items.enumerated() {
                path.push(index: index)
                search(item, isAddress: isAddress, &path, &broken)
                path.pop()
            }
        case .mapping(let entries): search(entries, &path, &broken)
        }
    }

    private static func add(_ text: String, _ path: DocumentPath, _ broken: inout Findings) {
        broken.add(.publicPortExposed, "\(path) binds \(DisplayedText.value(text))")
    }

    private static func isAddressKey(_ key: String) -> Bool {
        var normal: [UInt8] = []
        for byte in trimmed(key[...]).utf8 where byte != UInt8(ascii: "-") && byte != UInt8(ascii: "_") {
            guard normal.count < 8 else { return false }
            normal.append((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte)
        }
        return addressKeys.contains(normal)
    }
}
