# shellcheck shell=bash
# The story of site-control: an administrator makes a site, follows it live, copies it, saves it, deploys to the copy and
# gets in. Needs lib.sh. The site has a name of its own each time, because none is ever deleted.
# shellcheck disable=SC2153  # STATUS is set by ask

SITES=$(stack_value .site_control.url)
SITE_SLUG=story-$(date -u +%Y%m%d-%H%M%S)
SESSION_OPEN=no

# Whatever happened: the session ends.
leave_site_control() {
    [[ $SESSION_OPEN == no ]] || ask "$SITES/api/logout" --request POST --config "$WORK/session" >/dev/null 2>&1 || true
}

# site WHO STATUS METHOD PATH [JSON]: asks as that client and prints what was asked. Everything that follows depends on it, so
# another status ends the story.
site() {
    local who=$1 status=$2 method=$3 path=$4
    local -a curl=(--request "$method" --config "$WORK/$who")
    [[ $# -lt 5 ]] || curl+=(--header 'Content-Type: application/json' --data-binary "$5")
    ask "$SITES$path" "${curl[@]}"
    faint "$(printf '%-6s%-52s%s' "$method" "$(sed -E 's/([0-9a-f]{8})-[0-9a-f-]{27}/\1.../g' <<<"$path")" "$STATUS")"
    [[ $STATUS == "$status" ]] || die "The story ends here: HTTP $status was expected, not $STATUS." "$(head -c 500 "$WORK/body")"
}

# follow JOB WANTED: the job's events as they come, until the stream ends by itself. Prints states and tasks.
follow() {
    local job=$1 wanted=$2 began=$EPOCHREALTIME text event='' state='' ca count=0
    local -a curl=(curl --silent --show-error --no-buffer --max-time 120 --config "$WORK/session")
    ca=$(stack_value .ca_file)
    [[ -z $ca ]] || curl+=(--cacert "$ca")
    faint "curl -N $SITES/api/jobs/${job:0:8}.../events"
    while IFS= read -r text; do
        case $text in
            id:*) count=$((count + 1)) ;;
            event:*) event=${text#event: } ;;
            data:*)
                text=${text#data: }
                case $event in
                    state)
                        state=$(jq -r .status <<<"$text")
                        line "$(seconds_since "$began")  $state$(jq -r 'if .error_message then ": \(.error_message)" else "" end' <<<"$text")"
                        ;;
                    progress)
                        text=$(jq -r 'select(.event == "task") | .name // empty' <<<"$text")
                        [[ -z $text ]] || line "$(seconds_since "$began")    task: $text"
                        ;;
                esac
                ;;
        esac
    done < <("${curl[@]}" "$SITES/api/jobs/$job/events")
    faint "$count events, then the stream ended"
    expect "the state of the job" "$wanted" "$state"
}

seconds_since() { awk -v began="$1" -v now="$EPOCHREALTIME" 'BEGIN { printf "%5.1f s", now - began }'; }

# settle: waits until the site has no open job, follow-ups included.
settle() {
    local deadline=$((SECONDS + 60))
    while :; do
        ask "$SITES/api/jobs?site_id=$1&limit=20" --config "$WORK/session"
        [[ $(answer '[.[] | select(.status == "queued" or .status == "running")] | length') != 0 ]] || return 0
        ((SECONDS < deadline)) || die "The site still has an open job after 60 s."
        sleep 0.2
    done
}

tell_site_control() {
    local site production staging job token
    chapter "site-control at $SITES"
    if [[ $(cat -- "$LOCAL/secrets/site_control.node" 2>/dev/null) == real ]]; then
        line "The stack has a real node: this story needs the simulated one and is left out."
        return 0
    fi
    line "Its node is simulated: what stands in the place of ansible-playbook plays each job and answers as a node would."

    chapter "An administrator signs in"
    (umask 077 && stack_value '.site_control.admin | {email, password} | tojson' >"$WORK/credentials")
    ask "$SITES/api/login" --header 'Content-Type: application/json' --data-binary "@$WORK/credentials"
    faint "$(printf '%-6s%-52s%s' POST /api/login "$STATUS")"
    expect "the answer to the login" 200 "$STATUS"
    token=$(answer .session_token)
    authorization session "$token"
    SESSION_OPEN=yes
    line "A session for a day, as a cookie for browsers and as a bearer token for curl"
    authorization automation "$(stack_value .site_control.tokens.automation)"

    chapter "A site is made, and its job is followed live"
    site session 202 POST /api/sites "$(jq -n --arg slug "$SITE_SLUG" '{name: "A story", slug: $slug}')"
    job=$(answer .job_id)
    follow "$job" succeeded
    site session 200 GET "/api/jobs/$job"
    site=$(answer .site_id) production=$(answer .environment_id)
    site session 200 GET "/api/environments/$production"
    expect "the environment" active "$(answer .status)"
    line "$(answer '"\(.name) is \(.status) at \(.preview_url)"')"

    chapter "It is copied into a staging environment"
    site automation 202 POST "/api/sites/$site/environments" \
        '{"name": "Staging", "slug": "staging", "type": "staging", "promotion_preset": "content-protect"}'
    job=$(answer .job_id)
    follow "$job" succeeded
    site session 200 GET "/api/jobs/$job"
    staging=$(answer .environment_id)

    chapter "Production is saved"
    site automation 202 POST "/api/environments/$production/backups" '{"backup_scope": "full"}'
    follow "$(answer .job_id)" succeeded
    site session 200 GET "/api/environments/$production/backups"
    expect "the backup" completed "$(answer '.[0].status')"
    line "$(answer '.[0] | "\(.backup_scope), \(.size_bytes) bytes, kept until \(.retention_until[0:10]): \(.storage_path)"')"

    chapter "Something is deployed to staging, and nothing else may touch the site meanwhile"
    site automation 202 POST "/api/environments/$staging/deploy" \
        '{"source_type": "git", "source_ref": "https://git.example/shop.git#main"}'
    job=$(answer .job_id)
    site session 409 POST "/api/environments/$production/cache/purge"
    expect "the reason" site_busy "$(answer .details.reason)"
    line "$(answer '"\(.code), \(.details.reason): \(.message)"')"
    follow "$job" succeeded
    settle "$site"
    site session 200 GET "/api/jobs?environment_id=$staging&limit=5"
    line "The jobs of staging, newest first; the health check followed by itself:"
    answer '.[] | "     \(.job_type)\t\(.status)\tattempt \(.attempt_count)"' | expand -t 26,40
    expect "the newest job" "health_check succeeded" "$(answer '.[0] | "\(.job_type) \(.status)"')"

    chapter "The administrator gets into the dashboard without a password"
    site session 200 POST "/api/environments/$staging/magic-login"
    line "$(answer '"\(.login_url | sub("token=.*"; "token=...")) until \(.expires_at[11:19]) UTC"')"

    chapter "Who did what"
    site session 200 GET "/_admin/audit?limit=6"
    answer '.[] | "     \(.created_at[11:19])  \(.actor)\t\(.action)\t\(.result)"' | expand -t 42,60
    site session 200 GET /api/metrics
    line "$(answer '"\(.sites_total) sites, \(.nodes_active) node, \(.jobs_running) jobs running, \(.jobs_queued) queued"')"

    chapter "The session ends"
    site session 200 POST /api/logout
    SESSION_OPEN=no
    site session 401 GET /api/sites
    line "The same token is of no use any more"
}
