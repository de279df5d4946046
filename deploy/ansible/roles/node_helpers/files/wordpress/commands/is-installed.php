<?php
/** Loads all of WordPress, plugins and theme included: whether the code works is half of the question. */
declare(strict_types=1);

require $release . '/wp-load.php';

trivet_answer(['installed' => is_blog_installed(), 'version' => $GLOBALS['wp_version']]);
