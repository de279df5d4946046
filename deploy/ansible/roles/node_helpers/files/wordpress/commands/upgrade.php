<?php
/** Brings the tables up to the code of this release. */
declare(strict_types=1);

define('WP_INSTALLING', true);
require $release . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';

add_filter('pre_wp_mail', '__return_true');
add_filter('pre_http_request', fn() => new WP_Error('offline', 'no requests while upgrading'));
wp_cache_flush();
$before = (int) get_option('db_version');
if ($before !== (int) $GLOBALS['wp_db_version']) {
    wp_upgrade();
}
trivet_answer(['changed' => $before !== (int) get_option('db_version'), 'version' => $GLOBALS['wp_version']]);
