# shellcheck shell=bash
# The node of a stack (scripts/up --with-node): a machine for sites, a store for their backups, and a first site, all made
# through site-control. Needs common.sh, service.sh, stack.sh and node.sh.

STACK_NODE=stack

# stack_node_possible: where nodes cannot run it says what is missing and returns 1: the rest of a stack goes without.
stack_node_possible() {
    local missing
    ! is_root || install_packages node
    missing=$(node_missing)
    if [[ -n $missing ]]; then
        warn "The stack starts without a node; this machine lacks:"
        note "${missing//$'\n'/$'\n    '}"
        return 1
    fi
}

# stack_node_boot: the node with its disk as it was left, and the store beside it.
stack_node_boot() {
    local image
    image=$(node_image)
    mkdir -p -- "$NODE_HOME"
    if ! node_running "$STACK_NODE"; then
        step "Booting the node"
        node_exists "$STACK_NODE" || node_create "$STACK_NODE" "$image"
        node_boot "$STACK_NODE"
    fi
    stack_node_store
}

# Backups go from the node to an S3-compatible store on this machine's address of their network; it takes no other key.
stack_node_store() {
    local program=$ROOT/Tests/doubles/s3_double.py address file=$LOCAL/secrets/node_store
    address=$(node_gateway)
    mkdir -p -- "$LOCAL/secrets" "$LOCAL/backups"
    chmod 0700 -- "$LOCAL/secrets" "$LOCAL/backups"
    [[ -s $file ]] || random_secret | write_secret "$file"
    local -a command=(python3 -B "$program" --host "$address" --port 9000 --root "$LOCAL/backups" --access-key stack --secret-key-file "$file")
    start_unless_same node-store 9000 "$({ printf '%s\n' "${command[@]}" && cat -- "$program" "$file"; } | sha256sum | cut -d ' ' -f 1)" \
        "${command[@]}"
}

# stack_node_variables: what site-control is told to work with the node, as lines of its launcher.
stack_node_variables() {
    local image
    image=$(cat -- "$NODE_HOME/$STACK_NODE/image")
    printf 'export TRIVET_ANSIBLE_PLAYBOOK=ansible-playbook TRIVET_SSH=ssh\n'
    printf 'export TRIVET_WORDPRESS_SOURCE=%q TRIVET_WORDPRESS_SHA256=%q\n' "$image/wordpress.tar.gz" "$(cat -- "$image/wordpress.sha256")"
    printf 'export TRIVET_S3_ENDPOINT=http://%q:9000 TRIVET_S3_REGION=us-east-1 TRIVET_S3_ACCESS_KEY_ID=stack\n' "$(node_gateway)"
    printf 'export TRIVET_S3_SECRET_ACCESS_KEY_FILE=%q TRIVET_BACKUP_BUCKET=backups\n' "$LOCAL/secrets/node_store"
}

# stack_node_stop: powers the node off; its disk, and so its sites, come back with the next scripts/up --with-node.
stack_node_stop() {
    if is_root && node_exists "$STACK_NODE"; then
        node_off "$STACK_NODE"
        node_bridge_release
    fi
}

stack_node_erase() {
    if is_root && node_exists "$STACK_NODE"; then
        node_remove "$STACK_NODE"
        node_bridge_release
    fi
    rm -rf -- "${LOCAL:?}/backups"
}

# stack_node_call ORIGIN TOKEN_FILE METHOD PATH [BODY]: one call of site-control; prints the answer's body.
stack_node_call() {
    local -a curl=(curl --silent --show-error --fail-with-body --max-time 30 -X "$3")
    [[ $1 != https:* ]] || curl+=(--cacert "$LOCAL/tls/ca.pem")
    [[ -z ${5-} ]] || curl+=(-H 'Content-Type: application/json' --data "$5")
    "${curl[@]}" -H "@-" "$1$4" < <(printf 'Authorization: Bearer %s\n' "$(cat -- "$2")") || die "site-control refused $3 $4."
}

# stack_node_job ORIGIN TOKEN_FILE SECONDS METHOD PATH [BODY]: starts a job and waits for its success; prints it.
stack_node_job() {
    local origin=$1 token=$2 deadline=$((SECONDS + $3)) job id status
    shift 3
    id=$(stack_node_call "$origin" "$token" "$@" | jq -r .job_id)
    while :; do
        job=$(stack_node_call "$origin" "$token" GET "/api/jobs/$id")
        status=$(jq -r .status <<<"$job")
        case $status in
            succeeded) printf '%s\n' "$job" && return 0 ;;
            failed | cancelled) die "$(jq -r '"The job \(.job_type) \(.status): \(.error_code)"' <<<"$job")" "$(jq -r '.error_message // ""' <<<"$job" | tail -n 20)" ;;
        esac
        ((SECONDS < deadline)) || die "The job $id is still $status." "scripts/down stops the stack."
        sleep 0.2
    done
}

# stack_node_site ORIGIN TOKEN_FILE: registers and provisions the node and makes a site on it, each unless it is there.
# Leaves the site's address in SITE_URL and the node's in SITE_ADDRESS.
stack_node_site() {
    local origin=$1 token=$2 control=$LOCAL/bin/site-control log=$LOCAL/log/node.log nodes node site environment started=$SECONDS
    SITE_ADDRESS=$(node_address "$STACK_NODE")
    nodes=$(stack_node_call "$origin" "$token" GET /_admin/nodes)
    node=$(jq -r --arg name "$STACK_NODE" '.[] | select(.name == $name) | .id' <<<"$nodes")
    if [[ -z $node ]]; then
        node=$("$control" node add --name "$STACK_NODE" --host "$SITE_ADDRESS" --ssh-user root --public-ip "$SITE_ADDRESS" \
            --ssh-key-file "$NODE_HOME/$STACK_NODE/key" --host-key-file "$NODE_HOME/$STACK_NODE/host_key.pub" 2>"$log") || {
            cat -- "$log" >&2
            die "site-control node add failed."
        }
    fi
    if [[ $(jq -r --arg id "$node" '.[] | select(.id == $id) | .status' <<<"$nodes") != active ]]; then
        step "Provisioning the node"
        stack_node_job "$origin" "$token" 600 POST "/_admin/nodes/$node/provision" >/dev/null
    fi
    site=$(stack_node_call "$origin" "$token" GET /api/sites | jq -c '[.[] | select(.slug == "first-site")][0] // empty')
    if [[ -z $site ]]; then
        step "Creating a site"
        environment=$(stack_node_job "$origin" "$token" 300 POST /api/sites '{"name": "First site", "slug": "first-site"}' | jq -r .environment_id)
    else
        environment=$(jq -r .primary_environment_id <<<"$site")
    fi
    SITE_URL=$(stack_node_call "$origin" "$token" GET "/api/environments/$environment" | jq -r .preview_url)
    curl --silent --fail --output /dev/null --max-time 20 --connect-to "${SITE_URL#http://}:80:$SITE_ADDRESS:80" "$SITE_URL/" ||
        die "The site does not answer at $SITE_URL on $SITE_ADDRESS." "scripts/node ssh $STACK_NODE looks after it."
    note "the node and its site took $((SECONDS - started)) s"
}
