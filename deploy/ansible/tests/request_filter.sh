#!/usr/bin/env bash
# Usage: deploy/ansible/tests/request_filter.sh HOST-NAME [ADDRESS]
#
# Asks a site on a node what its request filter refuses and what it lets pass. To be run where ADDRESS (127.0.0.1) is
# the node; prints one line per wrong answer and a count.
set -euo pipefail
host=$1 address=${2:-127.0.0.1} passed=0 failed=0
ask() { curl -g -s -o /dev/null -m 20 -w '%{http_code}' --path-as-is -H "Host: $host" "$@"; }
expect() { # WANTED(regular expression) ARGUMENTS...
    local code
    code=$(ask "${@:2}") || code=000
    if [[ $code =~ ^($1)$ ]]; then passed=$((passed + 1)); else failed=$((failed + 1)) && printf 'FAILED %s, not %s: %s\n' "$code" "$1" "${*:2}"; fi
}
url=http://$address
for path in '/' '/?s=select+a+good+book' "/?s=rock+'n'+roll" '/?p=1' '/wp-login.php' '/wp-json/' '/wp-json/wp/v2/posts?search=from&per_page=5' \
    '/wp-admin/load-styles.php?c=0&dir=ltr&load%5Bchunk_0%5D=dashicons,admin-bar,common&ver=6.1' '/?utm_source=news&utm_medium=mail' '/wp-includes/css/dashicons.min.css' \
    '/wp-login.php?redirect_to=http%3A%2F%2Fexample.test%2Fwp-admin%2F&reauth=1' '/?onload=1' '/robots.txt' '/feed/' '/hello-world/?replytocom=1' \
    '/?s=%D1%82%D0%B5%D1%81%D1%82' '/?s=50%25+off' '/?add-to-cart=12&quantity=2'; do
    expect '200|301|302|404' "$url$path"
done
for query in '?a=<script>alert(1)</script>' '?a=%3Cscript%3E' '?a=javascript:alert(1)' '?x=onerror=alert(1)' '?f=../../etc/passwd' '?f=%2e%2e%2fwp-config.php' '?f=/etc/passwd' \
    '?f=php://filter/x' '?id=1+union+select+1,2' '?id=1%20UNION%20ALL%20SELECT%201' "?id=1'+or+1=1" '?id=sleep(5)' '?id=1+into+outfile+x' '?q=x%20union%0aselect' '?q=1%20AND%20benchmark(9,1)' '?c=base64_decode(x)' '?GLOBALS[x]=1' \
    '?a=%00' '?x=%3C?php' '?x=;cat+/etc/passwd' '?x=$%7Bjndi:ldap://x%7D' "?long=$(printf 'a%.0s' {1..5000})"; do
    expect 403 "$url/$query"
done
for path in '/.git/config' '/.env' '/wp-config.php' '/wp-config.php.bak' '/wp-config.txt' '/dump.sql' '/backup.sql.gz' '/phpmyadmin/' '/wp-content/uploads/x.php' '/wp-content/uploads/a/x.phtml' \
    '/shell.php' '/phpinfo.php' '/?author=1' '/vendor/phpunit/src/Util/PHP/eval-stdin.php' '/wp-content/debug.log' '/wp-includes/functions.php' '/readme.html'; do
    expect 403 "$url$path"
done
expect '40[03]' "$url/a/../../etc/passwd"
# shellcheck disable=SC2016
for agent in 'sqlmap/1.7' 'Mozilla/5.0 (compatible; Nikto/2.5)' 'WPScan v3' '() { :; }; echo' '${jndi:ldap://x}'; do expect 403 -A "$agent" "$url/"; done
for agent in 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0' 'Googlebot/2.1 (+http://www.google.com/bot.html)' 'WordPress/6.1; http://example.test' ''; do expect 200 -A "$agent" "$url/"; done
# shellcheck disable=SC2016
for referrer in 'http://x/<script>' 'https://semalt.com/x' '${jndi:x}'; do expect 403 -e "$referrer" "$url/"; done
expect 200 -e 'https://www.example.com/search?q=a' "$url/"
for method in PUT DELETE PATCH OPTIONS TRACE CONNECTX; do expect 405 -X "$method" "$url/"; done
printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]
