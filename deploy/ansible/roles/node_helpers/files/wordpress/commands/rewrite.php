<?php
/** Moves the site from one address to another, in the live database or in a side database before it goes live. */
declare(strict_types=1);

define('SHORTINIT', true);
require $release . '/wp-load.php';
require dirname(__DIR__) . '/AddressChange.php';

/** @var wpdb $wpdb */
$database = $options['database'] ?? DB_NAME;
if ($database !== DB_NAME && !mysqli_select_db($wpdb->dbh, $database)) {
    trivet_fail("There is no database $database for this environment.");
}
$counts = ['rows' => 0, 'tables' => 0];
mysqli_begin_transaction($wpdb->dbh);
foreach (is_array($options['from']) ? $options['from'] : [$options['from']] as $from) {
    if ($from !== '' && $from !== $options['to']) {
        $change = (new AddressChange($wpdb, $from, $options['to']))->run($wpdb->base_prefix ?: 'wp_');
        $counts = ['rows' => $counts['rows'] + $change['rows'], 'tables' => $change['tables']];
    }
}
$statement = mysqli_prepare($wpdb->dbh, "UPDATE `{$wpdb->base_prefix}options` SET option_value = ? WHERE option_name IN ('siteurl', 'home') AND option_value <> ?");
mysqli_stmt_bind_param($statement, 'ss', $options['to'], $options['to']);
mysqli_stmt_execute($statement);
$counts['rows'] += mysqli_stmt_affected_rows($statement);
// Permalinks hold no host name, but some plugins put one in: WordPress makes the rules again at the next request.
if ($counts['rows'] > 0) {
    mysqli_query($wpdb->dbh, "UPDATE `{$wpdb->base_prefix}options` SET option_value = '' WHERE option_name = 'rewrite_rules'");
}
mysqli_commit($wpdb->dbh);
trivet_answer(['changed' => $counts['rows'] > 0] + $counts);
