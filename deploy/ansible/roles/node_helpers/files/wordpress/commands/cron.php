<?php
/** Runs what is due. A systemd timer calls it: a request of the site to itself would depend on DNS. */
declare(strict_types=1);

define('DOING_CRON', true);
require $release . '/wp-load.php';

$done = 0;
foreach (wp_get_ready_cron_jobs() as $due => $hooks) {
    foreach ($hooks as $hook => $events) {
        foreach ($events as $event) {
            if ($event['schedule'] !== false) {
                wp_reschedule_event($due, $event['schedule'], $hook, $event['args']);
            }
            wp_unschedule_event($due, $hook, $event['args']);
            do_action_ref_array($hook, $event['args']);
            $done++;
        }
    }
}
trivet_answer(['changed' => $done > 0, 'done' => $done]);
