<?php
/**
 * Moves a site from one address to another in every table of the selected database.
 *
 * Runs with WordPress loaded short (no plugins, no theme). Plain, JSON-escaped and URL-encoded spellings are replaced,
 * with either scheme and without. The post GUID stays: feed readers know posts by it.
 */
declare(strict_types=1);

require_once __DIR__ . '/SerializedText.php';

final class AddressChange
{
    private const BATCH_ROWS = 500;

    /** @var array<string, string> */
    private array $replacements = [];
    private string $pattern;

    public function __construct(private readonly ?wpdb $database, string $from, string $to)
    {
        $from = preg_replace('#^https?:#', '', $from);
        foreach (["http:$from" => $to, "https:$from" => $to, $from => preg_replace('#^https?:#', '', $to)] as $old => $new) {
            $this->replacements[$old] = $new;
            $this->replacements[str_replace('/', '\\/', $old)] = str_replace('/', '\\/', $new);
            $this->replacements[rawurlencode($old)] = rawurlencode($new);
        }
        // Not within a longer host name: `//shop.test` is neither in `//shop.test.example` nor in `//shop.tests`.
        $spellings = array_map(fn($old) => preg_quote($old, '~'), array_keys($this->replacements));
        $this->pattern = '~(?:' . implode('|', $spellings) . ')(?![A-Za-z0-9_-]|\.[A-Za-z0-9]|:\d)~';
    }

    public function inText(string $text): string
    {
        return preg_replace_callback($this->pattern, fn($found) => $this->replacements[$found[0]], $text);
    }

    /** @return array{rows: int, tables: int} */
    public function run(string $prefix): array
    {
        $text = new SerializedText($this->inText(...));
        $counts = ['rows' => 0, 'tables' => 0];
        $like = $this->database->esc_like($prefix) . '%';
        foreach ($this->database->get_col($this->database->prepare('SHOW TABLES LIKE %s', $like)) as $table) {
            $counts['tables']++;
            $counts['rows'] += $this->table($table, $prefix, $text);
        }
        return $counts;
    }

    private function table(string $table, string $prefix, SerializedText $text): int
    {
        [$keys, $columns] = $this->columns($table, $prefix);
        if ($keys === [] || $columns === []) {
            return 0;
        }
        $rows = 0;
        $names = implode(', ', array_map(self::quoted(...), array_unique([...$keys, ...$columns])));
        $order = implode(', ', array_map(self::quoted(...), $keys));
        $last = null;
        do {
            $where = '(' . $this->condition($columns) . ')';
            if ($last !== null) {
                $where .= " AND ($order) > (" . implode(', ', array_map(fn($v) => $this->literal($v), $last)) . ')';
            }
            $batch = $this->query("SELECT $names FROM " . self::quoted($table) . " WHERE $where ORDER BY $order LIMIT " . self::BATCH_ROWS);
            foreach ($batch as $row) {
                $last = array_map(fn($key) => $row[$key], $keys);
                $changed = [];
                foreach ($columns as $column) {
                    $new = $row[$column] === null ? null : $text->replace($row[$column]);
                    if ($new !== $row[$column]) {
                        $changed[] = self::quoted($column) . ' = ' . $this->literal($new);
                    }
                }
                if ($changed !== []) {
                    $match = array_map(fn($key) => self::quoted($key) . ' = ' . $this->literal($row[$key]), $keys);
                    $this->query('UPDATE ' . self::quoted($table) . ' SET ' . implode(', ', $changed) . ' WHERE ' . implode(' AND ', $match));
                    $rows++;
                }
            }
        } while (count($batch) === self::BATCH_ROWS);
        return $rows;
    }

    /** @return array{list<string>, list<string>} the primary key, and the columns that hold text */
    private function columns(string $table, string $prefix): array
    {
        $keys = $columns = [];
        foreach ($this->query('SHOW COLUMNS FROM ' . self::quoted($table)) as $column) {
            if ($column['Key'] === 'PRI') {
                $keys[] = $column['Field'];
            } elseif (preg_match('/char|text|json/i', $column['Type']) === 1
                && !($table === $prefix . 'posts' && $column['Field'] === 'guid')) {
                $columns[] = $column['Field'];
            }
        }
        return [$keys, $columns];
    }

    private function condition(array $columns): string
    {
        $parts = [];
        foreach ($columns as $column) {
            foreach (array_keys($this->replacements) as $needle) {
                $parts[] = 'INSTR(' . self::quoted($column) . ', ' . $this->literal($needle) . ') > 0';
            }
        }
        return implode(' OR ', $parts);
    }

    private function query(string $sql): array
    {
        $result = mysqli_query($this->database->dbh, $sql);
        if ($result === false) {
            throw new RuntimeException('The database refused a statement: ' . mysqli_error($this->database->dbh));
        }
        return $result === true ? [] : mysqli_fetch_all($result, MYSQLI_ASSOC);
    }

    private function literal(string $value): string
    {
        return "'" . mysqli_real_escape_string($this->database->dbh, $value) . "'";
    }

    private static function quoted(string $name): string
    {
        return '`' . str_replace('`', '``', $name) . '`';
    }
}
