<?php
/**
 * Plugin Name: Trivet
 * Description: One-time login from the control panel; keeps copies of a site out of search engines and mailboxes.
 */
declare(strict_types=1);

/**
 * Takes a token made by `trivet-wp magic-login`: wp-login.php?action=trivet_magic&token=TOKEN. The DELETE that hits one
 * row is what makes it good for one use, whatever arrives at the same time. Otherwise: 403 with the login form.
 */
add_action('login_init', function (): void {
    if (($_GET['action'] ?? '') !== 'trivet_magic') {
        return;
    }
    nocache_headers();
    header('Referrer-Policy: no-referrer');
    $token = $_GET['token'] ?? '';
    /** @var wpdb $wpdb */
    global $wpdb;
    if (is_string($token) && preg_match('/^[A-Za-z0-9_-]{32,128}$/', $token) === 1) {
        $name = '_trivet_login_' . hash('sha256', $token);
        $kept = $wpdb->get_var($wpdb->prepare("SELECT option_value FROM {$wpdb->options} WHERE option_name = %s", $name));
        $taken = $kept !== null && $wpdb->query($wpdb->prepare("DELETE FROM {$wpdb->options} WHERE option_name = %s", $name)) === 1;
        [$until, $user] = array_map('intval', explode(':', (string) $kept . ':0'));
        if ($taken && time() <= $until && get_user_by('id', $user) !== false) {
            wp_set_auth_cookie($user, false, is_ssl());
            wp_safe_redirect(admin_url());
            exit;
        }
    }
    status_header(403);
    add_filter('login_message', fn(string $message): string => $message . '<p class="message">This sign-in link was used before or is too old.</p>');
});

if (defined('WP_ENVIRONMENT_TYPE') && WP_ENVIRONMENT_TYPE !== 'production') {
    // A copy is no site of its own. The option in the database stays as it is, because a promotion takes it along.
    add_filter('pre_option_blog_public', fn() => '0');
    add_filter('pre_wp_mail', fn() => false);
}
