<?php
/**
 * Replaces text inside values of PHP's serialize() without ever building them.
 *
 * unserialize() would run code of classes in data that a visitor may have shaped, and lose objects whose class is not
 * there. This reads the grammar instead: string values are rewritten and their byte lengths corrected; keys, class and
 * property names stay. A string that holds serialised text itself is treated the same way, to a limited depth. What
 * does not parse to its last byte is ordinary text.
 */
declare(strict_types=1);

final class SerializedText
{
    private const DEPTH_MAX = 64;

    private string $text = '';
    private int $at = 0;

    /** @param Closure(string): string $plain what happens to text that is not serialised */
    public function __construct(private readonly Closure $plain)
    {
    }

    public function replace(string $value, int $depth = 0): string
    {
        if ($depth < self::DEPTH_MAX && preg_match('/^(?:[aOC]:\d+:|s:\d+:")/', $value) === 1) {
            $reader = new self($this->plain);
            $reader->text = $value;
            $rewritten = $reader->value($depth, true);
            if ($rewritten !== null && $reader->at === strlen($value)) {
                return $rewritten;
            }
        }
        return ($this->plain)($value);
    }

    /** Reads one value; null when the text is not of the grammar. Keys are read with $rewrite off. */
    private function value(int $depth, bool $rewrite): ?string
    {
        if ($depth > self::DEPTH_MAX) {
            return null;
        }
        switch ($this->text[$this->at] ?? '') {
            case 'N':
                return $this->match('/\GN;/');
            case 'b':
                return $this->match('/\Gb:[01];/');
            case 'i':
            case 'r':
            case 'R':
                return $this->match('/\G[irR]:[+-]?\d+;/');
            case 'd':
                return $this->match('/\Gd:(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|-?INF|NAN);/');
            case 'E':
                return $this->counted('/\GE:(\d+):"/', '";', false, $depth, 'E');
            case 's':
                return $this->counted('/\Gs:(\d+):"/', '";', $rewrite, $depth, 's');
            case 'S':
                return null;
            case 'a':
                return $this->members('/\Ga:(\d+):\{/', $depth);
            case 'O':
                return $this->members('/\GO:\d+:"[^"]*":(\d+):\{/', $depth);
            case 'C':
                // The inside of a Serializable is the class's own business: it may count bytes itself.
                return $this->custom();
            default:
                return null;
        }
    }

    private function match(string $pattern): ?string
    {
        if (preg_match($pattern, $this->text, $found, 0, $this->at) !== 1) {
            return null;
        }
        $this->at += strlen($found[0]);
        return $found[0];
    }

    private function counted(string $pattern, string $end, bool $rewrite, int $depth, string $letter): ?string
    {
        if (preg_match($pattern, $this->text, $found, 0, $this->at) !== 1) {
            return null;
        }
        $from = $this->at + strlen($found[0]);
        $length = self::count($found[1], strlen($this->text) - $from);
        if ($length === null || substr($this->text, $from + $length, strlen($end)) !== $end) {
            return null;
        }
        $content = substr($this->text, $from, $length);
        $this->at = $from + $length + strlen($end);
        if ($rewrite) {
            $content = $this->replace($content, $depth + 1);
        }
        return $letter . ':' . strlen($content) . ':"' . $content . $end;
    }

    private function members(string $pattern, int $depth): ?string
    {
        if (preg_match($pattern, $this->text, $found, 0, $this->at) !== 1) {
            return null;
        }
        $this->at += strlen($found[0]);
        $count = self::count($found[1], intdiv(strlen($this->text) - $this->at, 4));
        if ($count === null) {
            return null;
        }
        $parts = [$found[0]];
        for ($member = 0; $member < $count; $member++) {
            $key = $this->value($depth + 1, false);
            $value = $key === null ? null : $this->value($depth + 1, true);
            if ($value === null) {
                return null;
            }
            $parts[] = $key . $value;
        }
        if (($this->text[$this->at] ?? '') !== '}') {
            return null;
        }
        $this->at++;
        return implode('', $parts) . '}';
    }

    private function custom(): ?string
    {
        if (preg_match('/\GC:\d+:"[^"]*":(\d+):\{/', $this->text, $found, 0, $this->at) !== 1) {
            return null;
        }
        $from = $this->at + strlen($found[0]);
        $length = self::count($found[1], strlen($this->text) - $from);
        if ($length === null || ($this->text[$from + $length] ?? '') !== '}') {
            return null;
        }
        $whole = substr($this->text, $this->at, strlen($found[0]) + $length + 1);
        $this->at = $from + $length + 1;
        return $whole;
    }

    private static function count(string $digits, int $most): ?int
    {
        return strlen($digits) > 10 || (int) $digits > $most ? null : (int) $digits;
    }
}
