/// What the first word of a statement says about where it may be run.
enum StatementKind {
    case read
    case write
    /// Begins or ends a transaction: on a shared connection it would take in the statements of others.
    case transactionControl(String)
    /// Changes the session.
    case sessionState(String)

    init(_ text: String) {
        let word = StatementKind.firstWord(text)
        switch word {
        case "SELECT", "VALUES", "SHOW", "TABLE": self = .read
        case "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "PREPARE", "SAVEPOINT", "RELEASE":
            self = .transactionControl(word)
        case "SET", "RESET", "DISCARD", "LISTEN", "UNLISTEN", "DEALLOCATE", "DECLARE", "LOAD", "COPY":
            self = .sessionState(word)
        default: self = .write
        }
    }

    var lane: Lane {
        if case .read = self { .read } else { .write }
    }

    /// Refuses what does not stand alone.
    func checkShareable() throws(DatabaseError) {
        switch self {
        case .read, .write: return
        case .transactionControl(let word), .sessionState(let word): throw .parameter(.needsSession(keyword: word))
        }
    }

    /// Refuses what would end the transaction around it.
    func checkInsideTransaction(_ text: String) throws(DatabaseError) {
        guard case .transactionControl(let word) = self else { return }
        switch word {
        case "SAVEPOINT", "RELEASE": return
        case "ROLLBACK" where text.utf8.count < 200 && text.uppercased().contains(" TO "): return
        default: throw .parameter(.needsSession(keyword: word))
        }
    }

    /// In capitals; comments and white space before it are skipped. At most 12 letters.
    private static func firstWord(_ text: String) -> String {
        var text = text
        return text.withUTF8 { bytes in
            var index = 0
            skipping: while index < bytes.count {
                switch bytes[index] {
                case 0x09, 0x0A, 0x0C, 0x0D, 0x20, UInt8(ascii: "("): index += 1
                case UInt8(ascii: "-") where index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "-"):
                    while index < bytes.count, bytes[index] != 0x0A { index += 1 }
                case UInt8(ascii: "/") where index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "*"):
                    var depth = 0
                    repeat {
                        if index + 1 < bytes.count, bytes[index] == UInt8(ascii: "/"), bytes[index + 1] == UInt8(ascii: "*") {
                            depth += 1
                            index += 2
                        } else if index + 1 < bytes.count, bytes[index] == UInt8(ascii: "*"), bytes[index + 1] == UInt8(ascii: "/") {
                            depth -= 1
                            index += 2
                        } else {
                            index += 1
                        }
                    } while depth > 0 && index < bytes.count
                default: break skipping
                }
            }
            // Fifteen bytes stay within the string itself, without an allocation.
            return String(unsafeUninitializedCapacity: 12) { word in
                var length = 0
                while length < 12, index < bytes.count {
                    let letter = bytes[index] & 0xDF
                    guard letter >= UInt8(ascii: "A"), letter <= UInt8(ascii: "Z") else { break }
                    word[length] = letter
                    length += 1
                    index += 1
                }
                return length
            }
        }
    }
}
