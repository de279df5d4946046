<?php
/** A test is a sentence and a function; `finish()` prints the count and sets the exit status. */
declare(strict_types=1);

const HELPERS = __DIR__ . '/../roles/node_helpers/files';

final class Counts
{
    public static int $passed = 0;
    public static int $failed = 0;
}

function test(string $sentence, Closure $body): void
{
    try {
        $body();
        Counts::$passed++;
    } catch (Throwable $failure) {
        Counts::$failed++;
        printf("FAILED %s\n  %s (line %d)\n", $sentence, $failure->getMessage(), $failure->getLine());
    }
}

function same(mixed $expected, mixed $found, string $where = ''): void
{
    if ($expected !== $found) {
        throw new RuntimeException("$where expected " . var_export($expected, true) . ' and found ' . var_export($found, true));
    }
}

function finish(): never
{
    printf("%s: %d passed, %d failed\n", basename($_SERVER['argv'][0]), Counts::$passed, Counts::$failed);
    exit(Counts::$failed === 0 ? 0 : 1);
}
