<?php
/** Prints each PHP file below a directory that does not parse, and ends with 1 when there is one. Nothing is executed. */
declare(strict_types=1);

$failures = 0;
$tree = new RecursiveIteratorIterator(new RecursiveDirectoryIterator($argv[1], FilesystemIterator::SKIP_DOTS));
foreach ($tree as $path => $file) {
    if ($file->isLink() || !$file->isFile() || strtolower($file->getExtension()) !== 'php') {
        continue;
    }
    try {
        token_get_all(file_get_contents($path), TOKEN_PARSE);
    } catch (ParseError $error) {
        printf("%s line %d: %s\n", substr($path, strlen($argv[1]) + 1), $error->getLine(), $error->getMessage());
        $failures++;
    }
}
exit($failures === 0 ? 0 : 1);
