<?php
/**
 * One WordPress command: php trivet-wp.php COMMAND RELEASE, options as JSON on standard input, the answer as one line
 * of JSON. Started by /usr/local/bin/trivet-wp as the environment's user.
 *
 *   install         {title, user, email, public}     creates the tables and an administrator with a random password
 *   is-installed                                     {installed, version}
 *   ping                                             {database: true} when a trivial query works
 *   rewrite         {from, to, database?}            the address everywhere, see AddressChange
 *   magic-login                                      {token, user_id}, good for 60 seconds and one use
 *   update          {scope}                          plugins, themes or both from their update service
 *   upgrade                                          brings the tables up to the code
 *   cron                                             runs what is due
 */
declare(strict_types=1);

[, $command, $release] = $argv;
$_SERVER += ['HTTP_HOST' => 'localhost', 'REQUEST_METHOD' => 'GET', 'REQUEST_URI' => '/', 'SERVER_PROTOCOL' => 'HTTP/1.1', 'REMOTE_ADDR' => '127.0.0.1'];
error_reporting(E_ERROR | E_PARSE);

/** Ends with one sentence on standard error. */
function trivet_fail(string $sentence): never
{
    defined('TRIVET_ANSWERED') || define('TRIVET_ANSWERED', true);
    fwrite(STDERR, $sentence . "\n");
    exit(1);
}

/** Prints the answer and ends. Output of plugins before it is dropped. */
function trivet_answer(array $answer): never
{
    while (ob_get_level() > 0) {
        ob_end_clean();
    }
    define('TRIVET_ANSWERED', true);
    fwrite(STDOUT, json_encode($answer, JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR) . "\n");
    exit(0);
}

$options = in_array($command, ['install', 'rewrite', 'update'], true)
    ? json_decode(stream_get_contents(STDIN) ?: '{}', true, 16, JSON_THROW_ON_ERROR)
    : [];

ob_start();
set_exception_handler(fn(Throwable $failure) => trivet_fail(get_class($failure) . ': ' . $failure->getMessage()));
register_shutdown_function(function () use ($command): void {
    $error = error_get_last();
    while (ob_get_level() > 0) {
        ob_end_clean();
    }
    // Only a run that never reached trivet_answer() comes here with output pending; die() of WordPress included.
    if ($error !== null && ($error['type'] & (E_ERROR | E_PARSE | E_COMPILE_ERROR | E_CORE_ERROR)) !== 0) {
        fwrite(STDERR, "{$error['message']} in {$error['file']} line {$error['line']}\n");
        exit(1);
    }
    if (!defined('TRIVET_ANSWERED')) {
        fwrite(STDERR, "WordPress ended before $command was done.\n");
        exit(1);
    }
});

$file = __DIR__ . '/commands/' . $command . '.php';
if (preg_match('/^[a-z-]+$/', $command) !== 1 || !is_file($file)) {
    trivet_fail("There is no command $command.");
}
require $file;
