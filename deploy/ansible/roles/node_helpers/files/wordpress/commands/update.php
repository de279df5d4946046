<?php
/**
 * Updates plugins or themes in this release from their update services. The release is not served yet, and its
 * wp-content belongs to this user for the length of the job. Core is not updated here: its code is pinned by checksum.
 */
declare(strict_types=1);

define('WP_ADMIN', true);
define('FS_METHOD', 'direct');
define('TRIVET_UPDATING', true);
require $release . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/admin.php';
require ABSPATH . 'wp-admin/includes/class-wp-upgrader.php';

// An update service may be a mirror in the operator's own network. The code that names it runs as this user anyway.
add_filter('http_request_host_is_external', '__return_true');
$failures = [];
add_action('http_api_debug', function ($response, $context, $class, $arguments, $url) use (&$failures): void {
    if (is_wp_error($response) && str_contains($url, 'update-check')) {
        $failures[$url] = $response->get_error_message();
    } elseif (!is_wp_error($response) && str_contains($url, 'update-check')) {
        $failures = array_filter($failures, fn($other) => parse_url($other, PHP_URL_PATH) !== parse_url($url, PHP_URL_PATH), ARRAY_FILTER_USE_KEY);
    }
}, 10, 5);

$kinds = ['plugins' => ['plugins'], 'themes' => ['themes'], 'all' => ['plugins', 'themes']][$options['scope']];
$updated = [];
foreach ($kinds as $kind) {
    delete_site_transient("update_$kind");
    $kind === 'plugins' ? wp_update_plugins() : wp_update_themes();
    if ($failures !== []) {
        trivet_fail('The update service did not answer: ' . reset($failures) . ' (' . key($failures) . ')');
    }
    $offers = get_site_transient("update_$kind")->response ?? [];
    if ($offers === []) {
        continue;
    }
    $skin = new Automatic_Upgrader_Skin();
    $upgrader = $kind === 'plugins' ? new Plugin_Upgrader($skin) : new Theme_Upgrader($skin);
    foreach ($upgrader->bulk_upgrade(array_keys($offers)) ?: [] as $name => $outcome) {
        if (is_wp_error($outcome) || !$outcome) {
            $reason = is_wp_error($outcome) ? $outcome->get_error_message() : implode(' ', (array) $skin->get_upgrade_messages());
            trivet_fail(rtrim($kind, 's') . " $name could not be updated: $reason");
        }
        $offer = (array) $offers[$name];
        $updated[] = rtrim($kind, 's') . ' ' . ($offer['slug'] ?? $name) . ' ' . $offer['new_version'];
    }
}
trivet_answer(['changed' => $updated !== [], 'updated' => $updated]);
