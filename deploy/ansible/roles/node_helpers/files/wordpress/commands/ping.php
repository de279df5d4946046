<?php
/** A trivial query with the environment's own credentials. */
declare(strict_types=1);

define('SHORTINIT', true);
require $release . '/wp-load.php';

trivet_answer(['database' => $GLOBALS['wpdb']->get_var('SELECT 1') === '1']);
