# shellcheck shell=bash
# The story of validation-decision: migrations and replications that may go on and some that may not, the audit trail
# that they leave, and the check that nobody has touched it. Needs lib.sh.
# shellcheck disable=SC2153  # STATUS is set by ask

SNAPSHOT_MB=256
REQUESTS=0
VALIDATION=$(stack_value .validation_decision.url)
OBJECTS=$(stack_value .object_store.root)
AUTHORIZED=(--config "$WORK/ci")
MIGRATION=/api/v1/validate/migration
REPLICATION=/api/v1/validate/replication
REFERENCE=/api/v1/validate/replication/ref
GOOD=(-F "migration_manifest=@$EXAMPLES/migration-good.json;type=application/json"
    -F "app_config=@$EXAMPLES/app-config-good.yaml;type=application/yaml")

# decide TITLE STATUS DECISION "CODE CODE ..." PATH CURL_ARGUMENT...: sends, prints, compares.
decide() {
    local title=$1 status=$2 decision=$3 codes=$4 path=$5 got_decision got_codes color=$GREEN
    shift 5
    REQUESTS=$((REQUESTS + 1))
    printf '\n%s%d. %s%s\n%s   POST %s%s\n' "$STRONG" "$REQUESTS" "$title" "$NORMAL" "$FAINT" "$path" "$NORMAL"
    ask "$VALIDATION$path" "$@"
    got_decision=$(jq -r '.decision // "no decision"' "$WORK/body" 2>/dev/null) || got_decision='no decision'
    got_codes=$(jq -r '[.reasons[]?.code] | join(" ")' "$WORK/body" 2>/dev/null) || got_codes=
    [[ $got_decision == ALLOW ]] || color=$CRIMSON
    printf '   %s%s%s  (HTTP %s, request %s)\n' "$color" "$got_decision" "$NORMAL" "$STATUS" \
        "$(jq -r '.request_id // "unknown"' "$WORK/body" 2>/dev/null || true)"
    jq -r '.reasons[]? | "     - \(.code): \(.message)"' "$WORK/body" 2>/dev/null || head -c 500 "$WORK/body"
    if [[ $STATUS != "$status" || $got_decision != "$decision" || $got_codes != "$codes" ]]; then
        wrong "HTTP $status, $decision, reasons: ${codes:-none} were expected"
    fi
}

# replication_manifest HASH: the manifest of an uploaded snapshot.
replication_manifest() {
    printf 'source_db: "billing-eu"\ntarget_db: "billing-us"\nexpected_snapshot_hash: "%s"\nsync_mode: "async"\n' "$1"
}

# reference_manifest SNAPSHOT_HASH: the manifest of artifacts in the object store.
reference_manifest() {
    local bucket=s3://mig-artifacts/billing wal
    wal=$(sha256sum <"$OBJECTS/mig-artifacts/billing/wal_20260118.tar.gz" | cut -d ' ' -f 1)
    printf 'app_id: "billing"\nenv: "prod"\nsnapshot:\n  uri: "%s/snapshot_20260118.tar.gz"\n  sha256: "%s"\n' "$bucket" "$1"
    printf 'wal:\n  uri: "%s/wal_20260118.tar.gz"\n  sha256: "%s"\nsync_mode: "async"\nchange_id: "CHG-12345"\n' "$bucket" "$wal"
}

snapshot() { python3 "$EXAMPLES/snapshot.py" "$SNAPSHOT_MB"; }

tell_validation_decision() {
    local began hash
    authorization ci "$(stack_value .validation_decision.tokens.ci)"
    chapter "validation-decision at $VALIDATION"

    decide "A migration to production that keeps every rule" 200 ALLOW "" "$MIGRATION" "${AUTHORIZED[@]}" "${GOOD[@]}"

    decide "The same for an environment nobody knows" 200 BLOCK "UNKNOWN_ENV" "$MIGRATION" "${AUTHORIZED[@]}" \
        -F "migration_manifest=$(jq -c '.env = "production"' "$EXAMPLES/migration-good.json");type=application/json" \
        "${GOOD[@]:2}"

    decide "A migration that breaks five rules at once: all are named, no value is repeated" 200 BLOCK \
        "CONFIG_HASH_MISMATCH TLS_DISABLED_PROD PUBLIC_PORT_EXPOSED SECRETS_REF_MISSING SECRETS_INLINE" \
        "$MIGRATION" "${AUTHORIZED[@]}" \
        -F "migration_manifest=@$EXAMPLES/migration-bad.json;type=application/json" \
        -F "app_config=@$EXAMPLES/app-config-bad.yaml;type=application/yaml"

    decide "A manifest that is cut off: not parseable, so BLOCK" 400 BLOCK "PARSE_ERROR" "$MIGRATION" "${AUTHORIZED[@]}" \
        -F 'migration_manifest={"app_id": "billing", ;type=application/json' "${GOOD[@]:2}"

    # The snapshot is made while it is sent (chunked) and kept nowhere: neither here nor in the service.
    hash=$(snapshot | sha256sum | cut -d ' ' -f 1)
    replication_manifest "$hash" >"$WORK/replication.yaml"
    began=$(date +%s%N)
    decide "A replication with a snapshot of $SNAPSHOT_MB MB, hashed while it streams in" 200 ALLOW "" "$REPLICATION" \
        "${AUTHORIZED[@]}" -F "replication_manifest=@$WORK/replication.yaml" \
        -F 'snapshot=@/dev/fd/3;filename=snapshot.tar.gz;type=application/gzip' 3< <(snapshot)
    printf '   %s%d ms from the first byte to the decision%s\n' "$FAINT" "$((($(date +%s%N) - began) / 1000000))" "$NORMAL"

    replication_manifest "$(sha256sum <"$EXAMPLES/app-config-good.yaml" | cut -d ' ' -f 1)" >"$WORK/replication.yaml"
    decide "A replication whose snapshot is not the one in its manifest" 200 BLOCK "SNAPSHOT_HASH_MISMATCH" "$REPLICATION" \
        "${AUTHORIZED[@]}" -F "replication_manifest=@$WORK/replication.yaml" \
        -F "snapshot=@$OBJECTS/mig-artifacts/billing/snapshot_20260118.tar.gz;type=application/gzip"

    hash=$(sha256sum <"$OBJECTS/mig-artifacts/billing/snapshot_20260118.tar.gz" | cut -d ' ' -f 1)
    reference_manifest "$hash" >"$WORK/reference.yaml"
    decide "A replication by reference: the service reads the artifacts from the object store" 200 ALLOW "" "$REFERENCE" \
        "${AUTHORIZED[@]}" -H 'Content-Type: application/yaml' --data-binary "@$WORK/reference.yaml"

    reference_manifest "${hash//[0-9]/0}" >"$WORK/reference.yaml"
    decide "The same with a hash that the artifact does not have" 200 BLOCK "SNAPSHOT_HASH_MISMATCH" "$REFERENCE" \
        "${AUTHORIZED[@]}" -H 'Content-Type: application/yaml' --data-binary "@$WORK/reference.yaml"

    decide "A caller without a token" 401 BLOCK "AUTH_FAILED" "$MIGRATION" "${GOOD[@]}"

    chapter "The audit trail, newest first"
    faint "GET /api/v1/audit/logs?limit=$REQUESTS"
    ask "$VALIDATION/api/v1/audit/logs?limit=$REQUESTS" "${AUTHORIZED[@]}"
    printf '   %-6s %-20s %-10s %-4s %-6s %s\n' record time client for says reasons
    jq -r '.[] | [.sequence // "-", .timestamp[0:19] + "Z", .client // "-", .scenario // "-", .decision,
        (if .reasons == [] then "-" else .reasons | join(", ") end)] | @tsv' "$WORK/body" |
        while IFS=$'\t' read -r record time client scenario decision reasons; do
            printf '   %-6s %-20s %-10s %-4s %-6s %s\n' "$record" "$time" "$client" "$scenario" "$decision" "$reasons"
        done
    expect "the number of records" "$REQUESTS" "$(answer length)"

    chapter "Is the trail as it was written?"
    faint ".local/bin/validation-decision audit verify"
    "$LOCAL/bin/validation-decision" audit verify >"$WORK/verify" 2>&1 || wrong "the check fails"
    sed 's/^/   /' "$WORK/verify"
}
