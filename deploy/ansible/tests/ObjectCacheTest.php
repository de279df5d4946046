<?php
/** php -n deploy/ansible/tests/ObjectCacheTest.php (without the extension, whose name the double takes): the drop-in over a Redis that lives in this process, and without one. */
declare(strict_types=1);

require __DIR__ . '/harness.php';

/** As much of phpredis as the drop-in uses. Values go through serialize(), as with the real one. */
final class Redis
{
    public const OPT_SERIALIZER = 1;
    public const SERIALIZER_PHP = 1;
    public static array $keys = [];
    public static bool $isAway = false;
    public static array $auth = [];

    public function connect(...$arguments): bool
    {
        return $this->there();
    }

    public function auth(array $credentials): bool
    {
        self::$auth = $credentials;
        return $this->there();
    }

    public function setOption(int $option, mixed $value): bool
    {
        return true;
    }

    public function get(string $key): mixed
    {
        $this->there();
        return isset(self::$keys[$key]) ? unserialize(self::$keys[$key]) : false;
    }

    public function mGet(array $keys): array
    {
        return array_map($this->get(...), $keys);
    }

    public function set(string $key, mixed $value, array $rules = []): bool
    {
        $this->there();
        if (in_array('nx', $rules, true) && isset(self::$keys[$key])) {
            return false;
        }
        self::$keys[$key] = serialize($value);
        return true;
    }

    public function setex(string $key, int $seconds, mixed $value): bool
    {
        return $this->set($key, $value);
    }

    public function del(string $key): int
    {
        $this->there();
        $had = isset(self::$keys[$key]);
        unset(self::$keys[$key]);
        return (int) $had;
    }

    public function rawCommand(string $command, string $key): mixed
    {
        $this->there();
        $value = (int) (self::$keys[$key] ?? 0);
        if ($command === 'INCR') {
            self::$keys[$key] = (string) ++$value;
        }
        return $value;
    }

    private function there(): bool
    {
        return self::$isAway ? throw new RuntimeException('away') : true;
    }
}

function is_multisite(): bool
{
    return false;
}

function wp_suspend_cache_addition(): bool
{
    return false;
}

define('ABSPATH', '/');
define('TRIVET_REDIS_HOST', '127.0.0.1');
define('TRIVET_REDIS_PORT', 6379);
define('TRIVET_REDIS_USER', 'wp_0f9e8d7c');
define('TRIVET_REDIS_PASSWORD', 'secret');
define('TRIVET_REDIS_PREFIX', 'trivet_0f9e8d7c:');
require HELPERS . '/wordpress/object-cache.php';

/** What a new request sees. */
function request(): void
{
    wp_cache_init();
}

test('what one request keeps the next one finds, false and null included, as copies', function () {
    request();
    same(['wp_0f9e8d7c', 'secret'], Redis::$auth);
    $object = (object) ['n' => 1];
    wp_cache_set('o', $object, 'posts');
    wp_cache_set('f', false);
    wp_cache_set('z', null);
    $object->n = 2;
    request();
    same(1, wp_cache_get('o', 'posts')->n);
    same(false, wp_cache_get('f', '', false, $found));
    same(true, $found);
    same(null, wp_cache_get('z', '', false, $found));
    same(true, $found);
    same(false, wp_cache_get('missing', '', false, $found));
    same(false, $found);
});

test('every key begins with the prefix of the environment', function () {
    foreach (array_keys(Redis::$keys) as $key) {
        same(true, str_starts_with($key, 'trivet_0f9e8d7c:'), $key);
    }
});

test('adding does not replace, replacing does not add', function () {
    request();
    same(true, wp_cache_add('a', 1, 'g'));
    request();
    same(false, wp_cache_add('a', 2, 'g'));
    same(1, wp_cache_get('a', 'g'));
    same(false, wp_cache_replace('b', 1, 'g'));
    same(true, wp_cache_replace('a', 3, 'g'));
    request();
    same(3, wp_cache_get('a', 'g'));
});

test('several at once come by their keys, hits and misses', function () {
    request();
    wp_cache_set_multiple(['x' => 1, 'y' => 2], 'm');
    request();
    same(['x' => 1, 'q' => false, 'y' => 2], wp_cache_get_multiple(['x', 'q', 'y'], 'm'));
});

test('counting does not go below zero, and not without a start', function () {
    request();
    same(false, wp_cache_incr('c'));
    wp_cache_set('c', 3);
    same(5, wp_cache_incr('c', 2));
    same(0, wp_cache_decr('c', 9));
});

test('flushing leaves no key to be found, and lists none', function () {
    request();
    wp_cache_set('k', 'v');
    wp_cache_flush();
    same(false, wp_cache_get('k'));
    request();
    same(false, wp_cache_get('k'));
});

test('groups that are not to be stored last for the request', function () {
    request();
    wp_cache_add_non_persistent_groups(['mine']);
    wp_cache_set('k', 'v', 'mine');
    same('v', wp_cache_get('k', 'mine'));
    request();
    wp_cache_add_non_persistent_groups(['mine']);
    same(false, wp_cache_get('k', 'mine'));
});

test('without Redis, and when it goes away in the middle, the request goes on from memory', function () {
    request();
    wp_cache_set('k', 'v');
    Redis::$isAway = true;
    same('v', wp_cache_get('k'));
    same(true, wp_cache_set('l', 'w'));
    same('w', wp_cache_get('l'));
    same(false, wp_cache_get('other'));
    request();
    same(false, wp_cache_get('k'));
    same(true, wp_cache_add('k', 'n'));
    same('n', wp_cache_get('k'));
    same(true, wp_cache_flush());
    Redis::$isAway = false;
});

finish();
