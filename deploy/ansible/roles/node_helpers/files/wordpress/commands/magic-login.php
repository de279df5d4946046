<?php
/** Makes a token for one login within 60 seconds; only its digest is kept. The must-use plugin takes it. */
declare(strict_types=1);

require $release . '/wp-load.php';

$administrators = get_users(['role' => 'administrator', 'orderby' => 'ID', 'number' => 1]);
$first = get_user_by('id', 1);
$user = $first !== false && user_can($first, 'manage_options') ? $first : ($administrators[0] ?? null);
if ($user === null) {
    trivet_fail('This site has no administrator.');
}
/** @var wpdb $wpdb */
$wpdb->query($wpdb->prepare(
    "DELETE FROM {$wpdb->options} WHERE option_name LIKE %s AND CAST(SUBSTRING_INDEX(option_value, ':', 1) AS UNSIGNED) < %d",
    $wpdb->esc_like('_trivet_login_') . '%',
    time(),
));
$token = rtrim(strtr(base64_encode(random_bytes(32)), '+/', '-_'), '=');
$kept = $wpdb->insert($wpdb->options, [
    'option_name' => '_trivet_login_' . hash('sha256', $token),
    'option_value' => (time() + 60) . ':' . $user->ID,
    'autoload' => 'no',
]);
if ($kept !== 1) {
    trivet_fail('The token could not be kept.');
}
trivet_answer(['token' => $token, 'user_id' => (int) $user->ID]);
