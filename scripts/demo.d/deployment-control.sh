# shellcheck shell=bash
# The story of deployment-control: two builds are published, the first is deployed, the second fails and is rolled back.
# Needs lib.sh. It acts as two clients of its own, so that limits and quotas begin at zero however often it is told.
# shellcheck disable=SC2153  # STATUS is set by ask

DEPLOYMENT=$(stack_value .deployment_control.url)
GATE_CONTROL=$(stack_value .gate.control_url)
STAMP=$(date -u +%Y%m%d%H%M%S)
FIRST=1.4.0-$STAMP.1
SECOND=1.4.0-$STAMP.2
# Longest wait for a rollout, seconds.
PATIENCE=60
DEMO_TOKENS=()
SWITCHED=no
CALLS=0

# client NAME ROLE: a client with a token for today, as curl's --config in $WORK/NAME.
client() {
    local token
    token=$("$LOCAL/bin/deployment-control" token create --client "demo-$1-$STAMP" --role "$2" --expires-in-days 1) ||
        die "deployment-control token create failed."
    DEMO_TOKENS+=("$(cut -d _ -f 2 <<<"$token")")
    authorization "$1" "$token"
}

# Whatever happened: changes are permitted again, and the demo's tokens end.
leave_deployment_control() {
    local token
    [[ $SWITCHED == no ]] || "$LOCAL/bin/deployment-control" kill-switch off >/dev/null 2>&1 ||
        warn "The kill switch is still on: .local/bin/deployment-control kill-switch off"
    for token in "${DEMO_TOKENS[@]}"; do
        "$LOCAL/bin/deployment-control" token revoke "$token" >/dev/null 2>&1 || true
    done
}

# call WHO STATUS METHOD PATH [CURL_ARGUMENT...]: asks as that client and prints what was asked. Everything that follows
# depends on it, so another status ends the story.
call() {
    local who=$1 status=$2 method=$3 path=$4
    shift 4
    ask "$DEPLOYMENT$path" --request "$method" --config "$WORK/$who" "$@"
    # Not part of the story: the operator's own calls, and demos told one after another, share a minute's limit.
    while [[ $STATUS == 429 && $status != 429 && $(answer .details.scope) == minute* ]]; do
        faint "the limit of this minute is used up; going on in $(answer_field Retry-After) s"
        sleep "$(answer_field Retry-After)"
        ask "$DEPLOYMENT$path" --request "$method" --config "$WORK/$who" "$@"
    done
    asked "$method" "$path"
    [[ $STATUS == "$status" ]] || die "The story ends here: HTTP $status was expected, not $STATUS." "$(head -c 500 "$WORK/body")"
}

# asked METHOD PATH: what was asked and its status, ids shortened.
asked() { faint "$(printf '%-5s%-52s%s' "$1" "$(sed -E 's/([0-9a-f]{8})-[0-9a-f-]{27}/\1.../g' <<<"$2")" "$STATUS")"; }

# change WHO STATUS METHOD PATH JSON [KEY]: a change, with an Idempotency-Key of its own unless one is given.
change() {
    CALLS=$((CALLS + 1))
    call "$1" "$2" "$3" "$4" --header 'Content-Type: application/json' \
        --header "Idempotency-Key: ${6:-demo-$STAMP-$CALLS}" --data-binary "$5"
}

# publish VERSION FILE CONTENT_TYPE: permission, upload, registration.
publish() {
    local version=$1 file=$2 type=$3 size digest artifact url
    size=$(stat -c %s -- "$file")
    digest=$(sha256sum <"$file" | cut -d ' ' -f 1)
    chapter "A build of demo-service $version is published"
    change publisher 201 POST /v1/builds/upload-capability "$(jq -n --arg version "$version" --arg digest "$digest" \
        --arg type "$type" --argjson size "$size" '{service: "demo-service", version: $version, expectedSizeBytes: $size,
        expectedSha256: $digest, contentType: $type}')"
    artifact=$(answer .artifactRef) url=$(answer .uploadUrl)
    line "Permission to upload $size bytes of $type with this SHA-256, until $(answer '.expiresAt[11:19]') UTC"
    # The address is the authority by itself: no token goes along.
    ask "$url" --upload-file "$file" --header "Content-Type: $type"
    asked PUT "/v1/artifacts/demo-service/..."
    expect "the answer to the upload" 201 "$STATUS"
    line "Checked while it streamed in: ${artifact:0:76}..."
    change publisher 201 POST /v1/builds "$(jq -n --arg version "$version" --arg digest "$digest" --arg type "$type" \
        --argjson size "$size" --arg artifact "$artifact" '{service: "demo-service", version: $version, sizeBytes: $size,
        sha256: $digest, contentType: $type, artifactRef: $artifact}')"
    line "Registered: from now on $version is these bytes"
}

intent() {
    jq -n --arg version "$1" --arg summary "$2" \
        '{service: "demo-service", environment: "sandbox", version: $version, changeSummary: $summary}'
}

# engine STEPS: what becomes of the next rollout, told to the double.
engine() {
    curl --silent --show-error --fail --output /dev/null --max-time 10 --data-binary "{\"steps\": $1}" "$GATE_CONTROL/script" ||
        die "The double of the delivery engine does not answer at $GATE_CONTROL."
}

# watch ID STATE: polls until the deployment has ended, and prints each state once.
watch() {
    local id=$1 wanted=$2 state='' seen='' deadline=$((SECONDS + PATIENCE)) began=$SECONDS
    faint "GET  /v1/deployments/${id:0:8}..., every second"
    while :; do
        ask "$DEPLOYMENT/v1/deployments/$id" --config "$WORK/deployer"
        case $STATUS in
            200) state=$(answer .state) ;;
            429) sleep "$(answer_field Retry-After)" && continue ;;
            *) die "GET /v1/deployments/$id was answered $STATUS" ;;
        esac
        [[ $state == "$seen" ]] || line "$(printf '%3d s  %s' $((SECONDS - began)) "$state")"
        seen=$state
        [[ $state == ACTIVE ]] || break
        ((SECONDS < deadline)) || break
        sleep 1
    done
    expect "the state" "$wanted" "$state"
}

# The lock is free: another deployment of the stack would stand in the way of the story.
wait_for_lock() {
    local deadline=$((SECONDS + PATIENCE)) is_told=no
    while :; do
        ask "$DEPLOYMENT/v1/admin/lock" --config "$WORK/admin"
        case $STATUS in
            200) [[ $(answer .held) == true ]] || return 0 ;;
            429) sleep "$(answer_field Retry-After)" && continue ;;
            *) die "GET /v1/admin/lock was answered $STATUS" ;;
        esac
        [[ $is_told == yes ]] || faint "$(answer '"\(.service) \(.version) of \(.client) is in flight; waiting for it"')"
        is_told=yes
        ((SECONDS < deadline)) || die "Another deployment is still in flight." "GET /v1/admin/lock shows it."
        sleep 2
    done
}

switch_on() {
    call admin 200 PUT /v1/admin/system/mutations-disabled --header 'Content-Type: application/json' \
        --data-binary '{"mutations_disabled": true, "reason": "shown by scripts/demo"}'
    SWITCHED=yes
}

switch_off() {
    call admin 200 PUT /v1/admin/system/mutations-disabled --header 'Content-Type: application/json' \
        --data-binary '{"mutations_disabled": false}'
    SWITCHED=no
}

# What the engine says of the second rollout: two parts, one failed task within, and words that are nobody else's business.
failing_steps() {
    jq -nc --argjson after "$1" '[[$after, {status: "TERMINAL", stage: {
        type: "deploy", name: "roll out", status: "TERMINAL",
        tasks: [{name: "waitForUpInstances", status: "TERMINAL"}],
        context: {"kato.tasks": [{status: {failed: true}, exception: {
            type: "com.netflix.spinnaker.clouddriver.HealthException",
            message: "2 of 2 instances behind lb-7.internal.example:8080 answered 500; sent Authorization: Bearer f00ba4b4zqu0x"
        }}]}}}]]'
}

tell_deployment_control() {
    local first second rollback
    chapter "deployment-control at $DEPLOYMENT"
    if [[ -z $GATE_CONTROL ]]; then
        line "The stack deploys through a real engine, $(stack_value .gate.url): this story needs the double and is left out."
        return 0
    fi
    authorization admin "$(stack_value .deployment_control.tokens.admin)"
    client publisher ci-publisher
    client deployer deployer
    wait_for_lock

    printf '<h1>demo-service %s</h1>\n' "$FIRST" >"$WORK/index.html"
    (cd -- "$WORK" && python3 -m zipfile -c first.zip index.html)
    publish "$FIRST" "$WORK/first.zip" application/zip
    printf '<h1>demo-service %s</h1>\n' "$SECOND" >"$WORK/index.html"
    tar --create --gzip --file="$WORK/second.tar.gz" --directory="$WORK" index.html
    publish "$SECOND" "$WORK/second.tar.gz" application/gzip
    call deployer 200 GET "/v1/services/demo-service/versions?limit=2"
    expect "the versions, newest first" "$SECOND $FIRST" "$(answer 'map(.version) | join(" ")')"

    chapter "The first is deployed"
    call deployer 200 POST /v1/deployments/validate --header 'Content-Type: application/json' \
        --data-binary "$(intent "$FIRST" "Rounding in totals")"
    expect "whether it may be deployed" true "$(answer .valid)"
    line "Nothing stands in the way; nothing was taken by asking"
    engine '[[3000, "SUCCEEDED"]]'
    change deployer 201 POST /v1/deployments "$(intent "$FIRST" "Rounding in totals")" "demo-$STAMP-first"
    first=$(answer .id)
    cp -- "$WORK/body" "$WORK/answered"
    line "Deployment $first: the engine's pipeline runs"
    change deployer 201 POST /v1/deployments "$(intent "$FIRST" "Rounding in totals")" "demo-$STAMP-first"
    if cmp -s -- "$WORK/answered" "$WORK/body" && [[ $(answer_field Idempotency-Replayed) == true ]]; then
        line "The same request again, as after a lost connection: the same answer byte for byte, no second rollout"
    else
        wrong "the same key and body were not answered as before"
    fi
    watch "$first" SUCCEEDED

    chapter "The second is deployed, and nobody else deploys meanwhile"
    engine "$(failing_steps 8000)"
    change deployer 201 POST /v1/deployments "$(intent "$SECOND" "A new start page")"
    second=$(answer .id)
    line "Deployment $second"
    change deployer 409 POST /v1/deployments "$(intent "$FIRST" "Somebody is in a hurry")"
    expect "the code" DEPLOYMENT_LOCKED "$(answer .code)"
    line "$(answer '"\(.code): \(.message)"')"

    chapter "It fails, and the failure is told in the caller's words"
    watch "$second" FAILED
    call deployer 200 GET "/v1/deployments/$second/failures"
    answer '.[] | "   \(.category): \(.summary)\n     detail   \(.detail)\n     to do    \(.actionHint)"'
    expect "the category" APP "$(answer '.[0].category')"
    expect "the summary" "The new version did not become healthy." "$(answer '.[0].summary')"
    if grep -qE 'f00ba4b4zqu0x|lb-7|spinnaker|clouddriver' "$WORK/body"; then wrong "the engine's secrets or names are shown"; fi
    faint "the engine had named a host and a token; both are left out"

    chapter "It is rolled back"
    engine '[[3000, "SUCCEEDED"]]'
    change deployer 201 POST "/v1/deployments/$second/rollback" '{}'
    rollback=$(answer .id)
    expect "the version" "$FIRST" "$(answer .version)"
    line "Deployment $rollback runs $(answer .version), the version that succeeded before"
    watch "$rollback" SUCCEEDED
    call deployer 200 GET "/v1/deployments/$second"
    expect "the state of what was rolled back" ROLLED_BACK "$(answer .state)"
    line "$SECOND is $(answer .state)"
    call deployer 200 GET /v1/services/demo-service/running
    expect "the running version" "$FIRST" "$(answer .version)"
    line "$(answer .version) is running"

    chapter "The timeline of the second deployment"
    call deployer 200 GET "/v1/deployments/$second/timeline"
    answer '.[] | "   \(.occurredAt[11:23])  \(.key)"'
    expect "the story" "submitted validated in_progress failed rollback_started rollback_succeeded" \
        "$(answer 'map(.key) | join(" ")')"

    chapter "What is left of this client's limits and quotas"
    call deployer 200 GET /v1/limits
    answer '(.perMinute | to_entries[] | ["\(.key) a minute", .value.used, .value.limit]),
        (.perDay | to_entries[] | ["\(.key) a day", .value.used, .value.limit]) | @tsv' |
        while IFS=$'\t' read -r what used limit; do line "$(printf '%-26s %3d of %3d used' "$what" "$used" "$limit")"; done
    if [[ $(date -u +%Y%m%d) == "${STAMP:0:8}" ]]; then
        # The retry and the refused one took nothing.
        expect "the deployments that count" 2 "$(answer .perDay.deployments.used)"
        expect "the rollbacks that count" 1 "$(answer .perDay.rollbacks.used)"
    else
        faint "a new day has begun (UTC), and the day's quotas with it"
    fi

    chapter "The kill switch"
    switch_on
    change deployer 503 POST /v1/deployments "$(intent "$FIRST" "Not now")"
    expect "the code" MUTATIONS_DISABLED "$(answer .code)"
    line "$(answer '"\(.code): \(.message)"')"
    call deployer 200 GET "/v1/deployments/$first"
    line "Reading goes on"
    switch_off
    call admin 200 GET "/v1/audit/events?limit=8"
    line "The audit trail has it all, newest first:"
    answer '.[] | "   \(.at[11:19])  \(.actor | sub("-[0-9]+$"; "") | .[0:16])\t\(.action)\t\(.outcome)"' | expand -t 30,56
}
