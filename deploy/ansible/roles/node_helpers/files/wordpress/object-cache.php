<?php
/**
 * Plugin Name: Trivet object cache
 * Description: WordPress's object cache in Redis, one Redis user and key pattern per environment.
 *
 * Keys are PREFIX GENERATION:BLOG:GROUP:KEY. Flushing raises the generation, so it needs no right to list keys, which
 * would show those of other environments, and takes the same time however much there is. Without Redis the cache lasts
 * for one request and the site goes on. Installed and removed by the control plane (env_cache_toggle).
 */
declare(strict_types=1);

defined('ABSPATH') || exit;

final class WP_Object_Cache
{
    private const CONNECT_SECONDS = 0.2;
    private const READ_SECONDS = 0.5;

    public int $cache_hits = 0;
    public int $cache_misses = 0;

    private ?Redis $redis = null;
    private string $prefix;
    private string $generation = '0';
    private string $blog = '';
    /** @var array<string, mixed> what this request has seen, by full key */
    private array $seen = [];
    /** @var array<string, true> */
    private array $global = [];
    /** @var array<string, true> groups that are never stored */
    private array $local = ['counts' => true, 'plugins' => true, 'themes' => true];

    public function __construct()
    {
        $this->prefix = defined('TRIVET_REDIS_PREFIX') ? TRIVET_REDIS_PREFIX : '';
        $this->blog = is_multisite() ? get_current_blog_id() . ':' : '';
        if ($this->prefix === '' || !class_exists('Redis')) {
            return;
        }
        try {
            $redis = new Redis();
            $redis->connect(TRIVET_REDIS_HOST, TRIVET_REDIS_PORT, self::CONNECT_SECONDS, null, 0, self::READ_SECONDS);
            $redis->auth([TRIVET_REDIS_USER, TRIVET_REDIS_PASSWORD]);
            $redis->setOption(Redis::OPT_SERIALIZER, Redis::SERIALIZER_PHP);
            $this->redis = $redis;
            $this->generation = (string) (int) $redis->rawCommand('GET', $this->prefix . 'generation');
        } catch (Throwable) {
            $this->redis = null;
        }
    }

    public function get(int|string $key, string $group = 'default', bool $force = false, ?bool &$found = null): mixed
    {
        $name = $this->name($key, $group);
        if (array_key_exists($name, $this->seen) && (!$force || !$this->isStored($group))) {
            $found = true;
            $this->cache_hits++;
            return self::copy($this->seen[$name]);
        }
        $kept = $this->isStored($group) ? $this->ask(fn(Redis $redis) => $redis->get($name)) : null;
        $found = is_array($kept);
        if (!$found) {
            $this->cache_misses++;
            return false;
        }
        $this->cache_hits++;
        $this->seen[$name] = $kept[0];
        return self::copy($kept[0]);
    }

    public function get_multiple(array $keys, string $group = 'default', bool $force = false): array
    {
        $names = [];
        foreach ($keys as $key) {
            $name = $this->name($key, $group);
            if ($force || !array_key_exists($name, $this->seen)) {
                $names[] = $name;
            }
        }
        if ($names !== [] && $this->isStored($group)) {
            $kept = $this->ask(fn(Redis $redis) => $redis->mGet($names)) ?: [];
            foreach ($kept as $index => $value) {
                if (is_array($value)) {
                    $this->seen[$names[$index]] = $value[0];
                }
            }
        }
        $values = [];
        foreach ($keys as $key) {
            $name = $this->name($key, $group);
            $hit = array_key_exists($name, $this->seen);
            $hit ? $this->cache_hits++ : $this->cache_misses++;
            $values[$key] = $hit ? self::copy($this->seen[$name]) : false;
        }
        return $values;
    }

    public function set(int|string $key, mixed $value, string $group = 'default', int $seconds = 0): bool
    {
        $name = $this->name($key, $group);
        $this->seen[$name] = self::copy($value);
        if ($this->isStored($group)) {
            // In an array, so that false can be kept and told from "not there".
            $this->ask(fn(Redis $redis) => $seconds > 0 ? $redis->setex($name, $seconds, [$value]) : $redis->set($name, [$value]));
        }
        return true;
    }

    public function add(int|string $key, mixed $value, string $group = 'default', int $seconds = 0): bool
    {
        if (wp_suspend_cache_addition()) {
            return false;
        }
        $name = $this->name($key, $group);
        if (array_key_exists($name, $this->seen)) {
            return false;
        }
        if ($this->isStored($group)) {
            $rules = $seconds > 0 ? ['nx', 'ex' => $seconds] : ['nx'];
            if ($this->ask(fn(Redis $redis) => $redis->set($name, [$value], $rules)) === false) {
                return false;
            }
        }
        $this->seen[$name] = self::copy($value);
        return true;
    }

    public function replace(int|string $key, mixed $value, string $group = 'default', int $seconds = 0): bool
    {
        $this->get($key, $group, false, $found);
        return $found && $this->set($key, $value, $group, $seconds);
    }

    public function delete(int|string $key, string $group = 'default'): bool
    {
        $name = $this->name($key, $group);
        $had = array_key_exists($name, $this->seen);
        unset($this->seen[$name]);
        $removed = $this->isStored($group) ? (int) $this->ask(fn(Redis $redis) => $redis->del($name)) : 0;
        return $had || $removed > 0;
    }

    public function increase(int|string $key, int $by, string $group): int|false
    {
        $value = $this->get($key, $group, false, $found);
        if (!$found) {
            return false;
        }
        $value = max(0, (is_numeric($value) ? (int) $value : 0) + $by);
        $this->set($key, $value, $group);
        return $value;
    }

    public function flush(): bool
    {
        $this->seen = [];
        $generation = $this->ask(fn(Redis $redis) => $redis->rawCommand('INCR', $this->prefix . 'generation'));
        if (is_int($generation)) {
            $this->generation = (string) $generation;
        }
        return true;
    }

    public function flush_runtime(): bool
    {
        $this->seen = [];
        return true;
    }

    public function add_groups(array $groups, bool $stored): void
    {
        foreach ($groups as $group) {
            $stored ? $this->global[$group] = true : $this->local[$group] = true;
        }
    }

    public function switch_to_blog(int $blog): void
    {
        $this->blog = is_multisite() ? $blog . ':' : '';
    }

    private function name(int|string $key, string $group): string
    {
        $group = $group === '' ? 'default' : $group;
        $blog = isset($this->global[$group]) ? '' : $this->blog;
        return "{$this->prefix}{$this->generation}:{$blog}{$group}:{$key}";
    }

    private function isStored(string $group): bool
    {
        return $this->redis !== null && !isset($this->local[$group === '' ? 'default' : $group]);
    }

    /** Null when Redis is not there; it is not asked again in this request. */
    private function ask(Closure $question): mixed
    {
        if ($this->redis === null) {
            return null;
        }
        try {
            return $question($this->redis);
        } catch (Throwable) {
            $this->redis = null;
            return null;
        }
    }

    private static function copy(mixed $value): mixed
    {
        return is_object($value) ? clone $value : $value;
    }
}

function wp_cache_init(): void
{
    $GLOBALS['wp_object_cache'] = new WP_Object_Cache();
}

function wp_cache_get($key, $group = '', $force = false, &$found = null)
{
    return $GLOBALS['wp_object_cache']->get($key, (string) $group, (bool) $force, $found);
}

function wp_cache_get_multiple($keys, $group = '', $force = false)
{
    return $GLOBALS['wp_object_cache']->get_multiple((array) $keys, (string) $group, (bool) $force);
}

function wp_cache_set($key, $data, $group = '', $expire = 0)
{
    return $GLOBALS['wp_object_cache']->set($key, $data, (string) $group, (int) $expire);
}

function wp_cache_set_multiple(array $data, $group = '', $expire = 0)
{
    return array_map(fn($key) => wp_cache_set($key, $data[$key], $group, $expire), array_combine(array_keys($data), array_keys($data)));
}

function wp_cache_add($key, $data, $group = '', $expire = 0)
{
    return $GLOBALS['wp_object_cache']->add($key, $data, (string) $group, (int) $expire);
}

function wp_cache_add_multiple(array $data, $group = '', $expire = 0)
{
    return array_map(fn($key) => wp_cache_add($key, $data[$key], $group, $expire), array_combine(array_keys($data), array_keys($data)));
}

function wp_cache_replace($key, $data, $group = '', $expire = 0)
{
    return $GLOBALS['wp_object_cache']->replace($key, $data, (string) $group, (int) $expire);
}

function wp_cache_delete($key, $group = '')
{
    return $GLOBALS['wp_object_cache']->delete($key, (string) $group);
}

function wp_cache_delete_multiple(array $keys, $group = '')
{
    return array_combine($keys, array_map(fn($key) => wp_cache_delete($key, $group), $keys));
}

function wp_cache_incr($key, $offset = 1, $group = '')
{
    return $GLOBALS['wp_object_cache']->increase($key, (int) $offset, (string) $group);
}

function wp_cache_decr($key, $offset = 1, $group = '')
{
    return $GLOBALS['wp_object_cache']->increase($key, -(int) $offset, (string) $group);
}

function wp_cache_flush()
{
    return $GLOBALS['wp_object_cache']->flush();
}

function wp_cache_flush_runtime()
{
    return $GLOBALS['wp_object_cache']->flush_runtime();
}

function wp_cache_add_global_groups($groups): void
{
    $GLOBALS['wp_object_cache']->add_groups((array) $groups, true);
}

function wp_cache_add_non_persistent_groups($groups): void
{
    $GLOBALS['wp_object_cache']->add_groups((array) $groups, false);
}

function wp_cache_switch_to_blog($blog): void
{
    $GLOBALS['wp_object_cache']->switch_to_blog((int) $blog);
}

function wp_cache_supports($feature)
{
    return in_array($feature, ['add_multiple', 'set_multiple', 'get_multiple', 'delete_multiple', 'flush_runtime'], true);
}

function wp_cache_close()
{
    return true;
}

function wp_cache_reset(): void
{
}
