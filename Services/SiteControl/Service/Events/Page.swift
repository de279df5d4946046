import Encoding
import HTTP

/// One page of a list as a bare array; where more follow, `Link` leads on.
enum Page {
    /// - Parameter rows: one more than `limit` where there is another page.
    static func response<Row: JSONEncodable>(
        _ rows: [Row], limit: Int, _ request: Request, cursor: (Row) -> PageCursor
    ) -> Response {
        let shown = Array(rows.prefix(limit))
        var response = JSONAnswer.response(.ok, encoding: shown)
        if rows.count > limit, let last = shown.last {
            response.fields.set("Link", cursor(last).nextPage(of: request))
        }
        return response
    }
}
