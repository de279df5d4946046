# shellcheck shell=bash
# The parts of a running stack below $LOCAL: database and roles, object stores, TLS, launchers, tokens, stack.json.
# Needs common.sh, process.sh, postgres.sh and gate.sh.

CLUSTER=$LOCAL/postgres
# shellcheck disable=SC2034  # for the callers
PG_PORT_FIRST=15432
STACK_VARIABLES=()
# Who signs in to site-control, and what plays its nodes.
SITE_ADMIN=admin@trivet.example
SIMULATED=$LOCAL/simulated-node

# Every database has an owner, who migrates, and a role that serves and can do only what it was granted.
# stack_database NAME: both roles (passwords kept over re-runs) and the database, as they should be.
stack_database() {
    local name=$1 owner=$1_owner secrets=$LOCAL/secrets role
    mkdir -p -- "$secrets"
    chmod 0700 -- "$secrets"
    for role in "$owner" "$name"; do
        [[ -s $secrets/$role.password ]] || random_secret | write_secret "$secrets/$role.password"
    done
    cluster_psql "$CLUSTER" postgres >/dev/null <<SQL
SELECT 'CREATE ROLE $owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$owner') \gexec
SELECT 'CREATE ROLE $name LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$name') \gexec
ALTER ROLE $owner PASSWORD '$(cat -- "$secrets/$owner.password")';
ALTER ROLE $name PASSWORD '$(cat -- "$secrets/$name.password")';
SELECT 'CREATE DATABASE $name OWNER $owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '$name') \gexec
REVOKE ALL ON DATABASE $name FROM PUBLIC;
GRANT CONNECT ON DATABASE $name TO $name;
SQL
    cluster_socket_url "$CLUSTER" "$name" "$(cat -- "$secrets/$name.password")" "$name" |
        write_secret "$secrets/$name.url"
    cluster_socket_url "$CLUSTER" "$owner" "$(cat -- "$secrets/$owner.password")" "$name" |
        write_secret "$secrets/$owner.url"
}

# stack_variables BINARY...: fills STACK_VARIABLES with the names that any of these services knows.
stack_variables() {
    local binary
    STACK_VARIABLES=()
    for binary in "$@"; do
        mapfile -t -O "${#STACK_VARIABLES[@]}" STACK_VARIABLES < <(known_variables "$binary")
    done
}

known_variables() {
    local -a needed=(TRIVET_DATABASE_URL=postgres:///)
    [[ $1 != */site-control ]] || needed+=(TRIVET_SECRETS_DIRECTORY=/nonexistent)
    env -i "${needed[@]}" "$1" check-config | sed -nE 's/^(# )?(TRIVET_[A-Z0-9_]+).*/\2/p'
}

# stack_launcher SERVICE BINARY PORT TLS(yes|no) [NAME]: writes $LOCAL/bin/NAME (or SERVICE), which runs the binary with
# the stack's configuration. `serve` never sees the schema owner's credentials. Variables of the caller's environment
# stay in force where the launcher sets none, so that `TRIVET_LOG_LEVEL=debug scripts/up` does what it says; those that
# only other services of STACK_VARIABLES know are kept away, since a service refuses to start with a name it does not know.
stack_launcher() {
    local service=$1 binary=$2 port=$3 tls=$4 launcher=$LOCAL/bin/${5:-$1} name=${1//-/_} known variable
    mkdir -p -- "$LOCAL/bin"
    known=" $(known_variables "$binary" | tr '\n' ' ')"
    {
        printf '#!/bin/bash\n# Written by scripts/up: %s with the configuration of this stack.\n' "$service"
        # shellcheck disable=SC2016
        printf 'for name in "${!TRIVET_TEST_@}"; do unset "$name"; done\n'
        for variable in "${STACK_VARIABLES[@]}"; do
            [[ $known == *" $variable "* ]] || printf 'unset %s %s_FILE\n' "$variable" "$variable"
        done
        printf 'export TRIVET_LISTEN=127.0.0.1:%q\n' "$port"
        printf 'export TRIVET_DATABASE_URL_FILE=%q\n' "$LOCAL/secrets/$name.url"
        if [[ $tls == yes ]]; then
            printf 'export TRIVET_TLS_CERT_FILE=%q TRIVET_TLS_KEY_FILE=%q\n' "$LOCAL/tls/server.pem" "$LOCAL/tls/server.key"
        fi
        "launcher_of_$name"
        # shellcheck disable=SC2016
        printf '[[ ${1-} == serve ]] || export TRIVET_DATABASE_OWNER_URL_FILE=%q\n' "$LOCAL/secrets/${name}_owner.url"
        # shellcheck disable=SC2016
        printf 'exec %q "$@"\n' "$binary"
    } >"$launcher.new"
    chmod 0755 -- "$launcher.new"
    mv -f -- "$launcher.new" "$launcher"
}

# shellcheck disable=SC2317  # called by stack_launcher
launcher_of_validation_decision() { printf 'export TRIVET_OBJECT_STORE_ROOT=%q\n' "$LOCAL/objects"; }

# With a Gate of its own in GATE_URL; without, the caller's environment says which.
# shellcheck disable=SC2317  # called by stack_launcher
launcher_of_deployment_control() {
    printf 'export TRIVET_ARTIFACT_ROOT=%q\n' "$LOCAL/artifacts"
    printf 'export TRIVET_SIGNING_KEY_FILE=%q\n' "$LOCAL/secrets/deployment_control.signing_key"
    gate_is_configured || [[ -z ${GATE_URL-} ]] || printf 'export TRIVET_GATE_URL=%q\n' "$GATE_URL"
}

# Without NODE=yes its node is simulated: what stands in the place of ansible-playbook and ssh plays every job, on no machine
# at all.
# shellcheck disable=SC2317  # called by stack_launcher
launcher_of_site_control() {
    printf 'export TRIVET_SECRETS_DIRECTORY=%q\n' "$LOCAL/site-control"
    printf 'export TRIVET_SECRETS_KEY_FILE=%q\n' "$LOCAL/secrets/site_control.secrets_key"
    printf 'export TRIVET_ANSIBLE_DIRECTORY=%q\n' "$ROOT/deploy/ansible"
    printf 'export TRIVET_SCRATCH_DIRECTORY=%q\n' "$LOCAL/run/site-control"
    if [[ ${NODE-no} == yes ]]; then
        stack_node_variables
        return 0
    fi
    printf 'export TRIVET_ANSIBLE_PLAYBOOK=%q TRIVET_SSH=%q\n' "$SIMULATED/ansible-playbook" "$SIMULATED/ssh"
    printf 'export TRIVET_S3_ENDPOINT=http://127.0.0.1:9 TRIVET_S3_REGION=local TRIVET_S3_BUCKETS=site-backups\n'
    printf 'export TRIVET_S3_ACCESS_KEY_ID=simulated TRIVET_S3_SECRET_ACCESS_KEY_FILE=%q\n' "$LOCAL/secrets/site_control.s3_key"
    printf 'export TRIVET_BACKUP_BUCKET=site-backups\n'
}

# stack_token SERVICE CLIENT ROLE: a token made once and kept in $LOCAL/secrets; printed.
stack_token() {
    local service=$1 client=$2 role=$3 file=$LOCAL/secrets/${1//-/_}.$2.token token
    if [[ ! -s $file ]]; then
        token=$("$LOCAL/bin/$service" token create --client "$client" --role "$role" 2>"$LOCAL/log/token.log") || {
            cat "$LOCAL/log/token.log" >&2
            die "$service token create failed."
        }
        printf '%s\n' "$token" | write_secret "$file"
    fi
    cat -- "$file"
}

# A directory for the artifacts of builds, and the key that signs upload addresses.
stack_artifacts() {
    local key=$LOCAL/secrets/deployment_control.signing_key
    mkdir -p -- "$LOCAL/artifacts"
    chmod 0700 -- "$LOCAL/artifacts"
    [[ -s $key ]] || openssl rand -base64 32 | write_secret "$key"
}

# stack_demo_service: allows demo-service with the pipelines that the double has, unless it is there already.
stack_demo_service() {
    local control=$LOCAL/bin/deployment-control log=$LOCAL/log/service.log
    if ! "$control" service list 2>"$log" | cut -f 1 | grep -qx demo-service; then
        "$control" service add demo-service --application demo --deploy-pipeline deploy-demo-service \
            --rollback-pipeline rollback-demo-service 2>"$log" || {
            cat "$log" >&2
            die "deployment-control service add failed."
        }
    fi
}

# What site-control needs on disk: a place for its secrets and their key, and the simulated node, whose tasks take a while,
# so that there is something to follow.
stack_site_control() {
    local secrets=$LOCAL/secrets double
    mkdir -p -- "$LOCAL/site-control" "$SIMULATED" "$LOCAL/run/site-control"
    chmod 0700 -- "$LOCAL/site-control" "$SIMULATED" "$LOCAL/run/site-control"
    [[ -s $secrets/site_control.secrets_key ]] || openssl rand -base64 32 | write_secret "$secrets/site_control.secrets_key"
    [[ -s $secrets/site_control.s3_key ]] || random_secret | write_secret "$secrets/site_control.s3_key"
    for double in ansible_playbook:ansible-playbook ssh:ssh; do
        ln -sfn -- "$ROOT/Tests/doubles/${double%:*}_double.py" "$SIMULATED/${double#*:}"
    done
    [[ -s $SIMULATED/control.json ]] || printf '{"pace_ms": 300}\n' >"$SIMULATED/control.json"
}

# What a stack was made with stays: sites of a real node cannot be played, nor those of a simulated one be looked at.
stack_node_kind() {
    local file=$LOCAL/secrets/site_control.node kind=simulated known
    [[ $NODE == no ]] || kind=real
    known=$(cat -- "$file" 2>/dev/null) || known=$kind
    mkdir -p -- "$LOCAL/secrets"
    chmod 0700 -- "$LOCAL/secrets"
    [[ $known == "$kind" ]] || die "This stack has a $known node." \
        "scripts/up$([[ $known == simulated ]] || printf ' --with-node') goes on with it; with --fresh you start anew."
    printf '%s\n' "$kind" >"$file"
}

# An administrator, whose password is kept in $LOCAL/secrets, and a node.
stack_site_control_accounts() {
    local control=$LOCAL/bin/site-control log=$LOCAL/log/site-control-setup.log secrets=$LOCAL/secrets verb=create
    local password=$secrets/site_control.admin.password key=$secrets/site_control.node_key
    if [[ ! -s $password ]]; then
        random_secret | write_secret "$password"
        # Of a database that has outlived its secrets.
        "$control" admin create --email "$SITE_ADMIN" --password-file "$password" 2>"$log" || verb=reset-password
        if [[ $verb == reset-password ]]; then
            "$control" admin reset-password --email "$SITE_ADMIN" --password-file "$password" 2>>"$log" || {
                rm -f -- "$password"
                cat "$log" >&2
                die "site-control could not make its administrator."
            }
        fi
    fi
    [[ ${NODE-no} == no ]] || return 0
    if ! "$control" node list 2>"$log" | cut -f 2 | grep -x simulated >/dev/null; then
        [[ -s $key ]] || openssl genpkey -algorithm ed25519 2>/dev/null | write_secret "$key"
        "$control" node add --name simulated --host simulated.node.example --ssh-user trivet --ssh-port 22 \
            --ssh-key-file "$key" --public-ip 127.0.0.1 >"$log" 2>&1 || {
            cat "$log" >&2
            die "site-control node add failed."
        }
    fi
}

# The node as sites can be made on: the job that provisions it has to run once.
stack_site_control_node() {
    local control=$LOCAL/bin/site-control log=$LOCAL/log/site-control-setup.log deadline=$((SECONDS + 60)) state asked=no
    while :; do
        state=$("$control" node list 2>"$log" | awk -F '\t' '$2 == "simulated" { print $4 }')
        [[ $state != active ]] || return 0
        if [[ $asked == no ]]; then
            step "Provisioning the simulated node"
            # Refused where a job for it is open already.
            "$control" node provision simulated >"$log" 2>&1 || true
            asked=yes
        fi
        ((SECONDS < deadline)) || break
        sleep 0.2
    done
    tail -n 20 -- "$log" "$LOCAL/log/site-control.log" >&2
    die "The simulated node is ${state:-not there} after 60 s."
}

# A directory store with one bucket and two artifacts, the same bytes on every machine.
stack_objects() {
    local folder=$LOCAL/objects/mig-artifacts/billing work kind
    [[ -f $folder/wal_20260118.tar.gz ]] && return 0
    mkdir -p -- "$folder"
    work=$(mktemp -d)
    for kind in snapshot wal; do
        seq -f "$kind row %.0f" 1 20000 >"$work/$kind.txt"
        tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=0644 --directory="$work" "$kind.txt" |
            gzip -n >"$work/$kind.tar.gz"
        mv -- "$work/$kind.tar.gz" "$folder/${kind}_20260118.tar.gz"
    done
    rm -rf -- "$work"
}

# A certificate authority of this checkout and a certificate for loopback signed by it; made once.
stack_tls() {
    local tls=$LOCAL/tls
    if [[ -s $tls/server.pem ]] && openssl x509 -in "$tls/server.pem" -noout -checkend 86400 >/dev/null; then
        return 0
    fi
    step "Creating a local certificate authority"
    mkdir -p -- "$tls"
    (
        umask 077
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj '/CN=Trivet local CA' \
            -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
            -keyout "$tls/ca.key" -out "$tls/ca.pem"
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=localhost' \
            -keyout "$tls/server.key" -out "$tls/server.csr"
        printf '%s\n' 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1' 'extendedKeyUsage=serverAuth' \
            'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' >"$tls/server.ext"
        openssl x509 -req -in "$tls/server.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days 397 \
            -extfile "$tls/server.ext" -out "$tls/server.pem"
    ) >"$LOCAL/log/tls.log" 2>&1 || {
        cat "$LOCAL/log/tls.log" >&2
        die "openssl could not make the local certificates."
    }
    chmod 0644 -- "$tls/ca.pem"
    rm -f -- "$tls/server.csr" "$tls/server.ext"
}

# stack_describe VALIDATION_ORIGIN DEPLOYMENT_ORIGIN SITE_ORIGIN GATE_URL TLS(yes|no): writes stack.json. Secrets travel through the
# environment, not through arguments that everybody on the machine can read. A database's URL carries the role that serves.
stack_describe() {
    local name role
    export_secret() { export "$1=$(cat -- "$LOCAL/secrets/$2")"; }
    (
        for role in ci auditor; do export_secret "VALIDATION_$role" "validation_decision.$role.token"; done
        for role in admin deployer publisher observer; do export_secret "DEPLOYMENT_$role" "deployment_control.$role.token"; done
        export_secret SITE_AUTOMATION site_control.automation.token
        export_secret SITE_PASSWORD site_control.admin.password
        for name in validation_decision deployment_control site_control; do
            export "DATABASE_$name=$(cluster_url "$CLUSTER" "$name" "$(cat -- "$LOCAL/secrets/$name.password")" "$name")"
        done
        CLUSTER_URL=$(cluster_url "$CLUSTER" postgres "$(cat -- "$CLUSTER/password")" postgres)
        export CLUSTER_URL
        [[ $5 == no ]] || export CA_FILE=$LOCAL/tls/ca.pem
        gate_is_configured || export GATE_CONTROL=$4/_control
        jq -n --arg validation "$1" --arg deployment "$2" --arg site "$3" --arg gate "$4" --arg admin "$SITE_ADMIN" \
            --arg objects "$LOCAL/objects" '$ENV as $env | {
            site_control: {
                url: $site, admin: {email: $admin, password: $env.SITE_PASSWORD}, tokens: {automation: $env.SITE_AUTOMATION}
            },
            deployment_control: {
                url: $deployment,
                tokens: (["admin", "deployer", "publisher", "observer"] | map({(.): $env["DEPLOYMENT_" + .]}) | add),
                services: ["demo-service"]
            },
            validation_decision: {
                url: $validation, tokens: (["ci", "auditor"] | map({(.): $env["VALIDATION_" + .]}) | add)
            },
            postgres: {
                url: $env.CLUSTER_URL,
                databases: (["site_control", "deployment_control", "validation_decision"] | map({(.): $env["DATABASE_" + .]}) | add)
            },
            object_store: {kind: "directory", root: $objects},
            gate: ({url: $gate, control_url: $env.GATE_CONTROL} | with_entries(select(.value != null)))
        } + if $env.CA_FILE == null then {} else {ca_file: $env.CA_FILE} end'
    ) | write_secret "$LOCAL/stack.json"
}

# Stops everything that this stack started: the services, which call it, before the double of Gate (so are their names
# ordered), and PostgreSQL last.
stack_stop() {
    local file
    for file in "$LOCAL"/run/*.pid; do
        [[ -e $file ]] || continue
        process_stop "$file" 15
        rm -f -- "${file%.pid}.fingerprint"
    done
    stack_node_stop
    cluster_stop "$CLUSTER"
    rm -f -- "$LOCAL/stack.json"
}

# Forgets everything a stack holds; builds, virtual environments and measurements stay.
stack_erase() {
    stack_stop
    stack_node_erase
    cluster_remove "$CLUSTER"
    rm -rf -- "${LOCAL:?}"/{bin,run,log,objects,artifacts,secrets,tls,site-control,simulated-node}
}
