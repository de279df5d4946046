<?php
/** php deploy/ansible/tests/SerializedTextTest.php: the serialised-safe replacement against PHP's own serialize(). */
declare(strict_types=1);

require __DIR__ . '/harness.php';
require HELPERS . '/wordpress/AddressChange.php';

final class Seen implements JsonSerializable
{
    public string $open = 'http://old.test/é';
    protected array $list = ['http://old.test/a' => 'http://old.test/b', 3 => null, 'n' => 1.5, 't' => true];
    private string $hidden = 'http://old.test/private';
    public ?Seen $self = null;

    public function jsonSerialize(): array
    {
        return [$this->open, $this->hidden];
    }
}

enum Suit: string
{
    case Hearts = 'hearts';
}

$change = new AddressChange(null, 'http://old.test', 'https://a-longer-name.example');
$text = new SerializedText($change->inText(...));

test('plain, JSON-escaped and URL-encoded addresses are replaced, of either scheme and of none', function () use ($change) {
    same('https://a-longer-name.example/x', $change->inText('http://old.test/x'));
    same('https://a-longer-name.example/x', $change->inText('https://old.test/x'));
    same('//a-longer-name.example/x', $change->inText('//old.test/x'));
    same('{"u":"https:\/\/a-longer-name.example\/j"}', $change->inText('{"u":"http:\/\/old.test\/j"}'));
    same('u=https%3A%2F%2Fa-longer-name.example%2Fx', $change->inText('u=http%3A%2F%2Fold.test%2Fx'));
});

test('a longer host name that begins alike is another host', function () use ($change) {
    foreach (['http://old.test.example/x', 'http://old.tests/', 'http://old.test-shop/', 'http://old.test:8080/'] as $other) {
        same($other, $change->inText($other));
    }
    same('See https://a-longer-name.example. And more.', $change->inText('See http://old.test. And more.'));
});

test('values inside serialised text are replaced, keys and names are not, and it unserialises', function () use ($text) {
    $object = new Seen();
    $object->self = new Seen();
    $before = ['http://old.test/key' => 'http://old.test/value', 'deep' => serialize(['x' => serialize('http://old.test/deep')]), 'o' => $object, 'e' => Suit::Hearts, 'f' => -0.25, 'i' => PHP_INT_MIN];
    $after = unserialize($text->replace(serialize($before)));
    same(array_keys($before), array_keys($after));
    same('https://a-longer-name.example/value', $after['http://old.test/key']);
    same('https://a-longer-name.example/deep', unserialize(unserialize($after['deep'])['x']));
    same('https://a-longer-name.example/é', $after['o']->self->open);
    same(['https://a-longer-name.example/é', 'https://a-longer-name.example/private'], $after['o']->jsonSerialize());
    same(Suit::Hearts, $after['e']);
});

test('replacing back gives the same bytes', function () use ($text) {
    $back = new SerializedText((new AddressChange(null, 'https://a-longer-name.example', 'http://old.test'))->inText(...));
    $value = serialize(['a' => new Seen(), 'b' => ['http://old.test/' . str_repeat('é', 50)]]);
    same($value, $back->replace($text->replace($value)));
});

test('what does not parse to its last byte is ordinary text', function () use ($text) {
    foreach (['a:1:{i:0;s:99:"http://old.test";}', 'a:2:{i:0;s:15:"http://old.test";}', 's:15:"http://old.test";tail', 'a:1:{i:0;s:15:"http://old.test";', 'O:3:"x', 'a:99999999999:{}'] as $broken) {
        same(str_replace('http://old.test', 'https://a-longer-name.example', $broken), $text->replace($broken));
    }
});

test('deep nesting ends without running out of stack', function () use ($text) {
    $value = str_repeat('a:1:{i:0;', 5000) . 'N;' . str_repeat('}', 5000);
    same($value, $text->replace($value));
});

test('random structures survive, whatever they hold', function () use ($text) {
    $seed = random_int(0, PHP_INT_MAX);
    fwrite(STDERR, "seed $seed\n");
    mt_srand($seed);
    $make = function (int $depth) use (&$make) {
        return match ($depth > 4 ? mt_rand(0, 4) : mt_rand(0, 6)) {
            0 => null, 1 => mt_rand(), 2 => mt_rand() / 7, 3 => (bool) mt_rand(0, 1),
            4 => ['', 'http://old.test', "line\n;}\"", 'x http://old.test/é y', 'N;'][mt_rand(0, 4)],
            5 => array_map(fn() => $make($depth + 1), range(0, mt_rand(0, 3))),
            6 => serialize($make($depth + 1)),
        };
    };
    $expect = function ($value) use (&$expect) {
        if (is_array($value)) {
            return array_map($expect, $value);
        }
        if (!is_string($value)) {
            return $value;
        }
        $inner = @unserialize($value, ['allowed_classes' => false]);
        return is_array($inner) || (is_string($inner) && str_starts_with($value, 's:')) ? serialize($expect($inner)) : str_replace('http://old.test', 'https://a-longer-name.example', $value);
    };
    for ($round = 0; $round < 2000; $round++) {
        $value = $make(0);
        same(serialize($expect($value)), $text->replace(serialize($value)), "round $round");
    }
});

finish();
