# shellcheck shell=bash
# The parts of a running stack below $LOCAL: database and roles, object store, TLS, launcher, service, stack.json.
# Needs common.sh, process.sh and postgres.sh.

CLUSTER=$LOCAL/postgres
# shellcheck disable=SC2034  # for the callers
PG_PORT_FIRST=15432

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

# stack_launcher SERVICE BINARY PORT TLS(yes|no) [NAME]: writes $LOCAL/bin/NAME (or SERVICE), which runs the binary with the stack's
# configuration. `serve` never sees the schema owner's credentials. Variables of the caller's environment stay in
# force where the launcher sets none, so that `TRIVET_LOG_LEVEL=debug scripts/up` does what it says.
stack_launcher() {
    local service=$1 binary=$2 port=$3 tls=$4 launcher=$LOCAL/bin/${5:-$1} name=${1//-/_}
    mkdir -p -- "$LOCAL/bin"
    {
        printf '#!/bin/bash\n# Written by scripts/up: %s with the configuration of this stack.\n' "$service"
        # shellcheck disable=SC2016
        printf 'for name in "${!TRIVET_TEST_@}"; do unset "$name"; done\n'
        printf 'export TRIVET_LISTEN=127.0.0.1:%q\n' "$port"
        printf 'export TRIVET_DATABASE_URL_FILE=%q\n' "$LOCAL/secrets/$name.url"
        printf 'export TRIVET_OBJECT_STORE_ROOT=%q\n' "$LOCAL/objects"
        if [[ $tls == yes ]]; then
            printf 'export TRIVET_TLS_CERT_FILE=%q TRIVET_TLS_KEY_FILE=%q\n' "$LOCAL/tls/server.pem" "$LOCAL/tls/server.key"
        fi
        # shellcheck disable=SC2016
        printf '[[ ${1-} == serve ]] || export TRIVET_DATABASE_OWNER_URL_FILE=%q\n' "$LOCAL/secrets/${name}_owner.url"
        # shellcheck disable=SC2016
        printf 'exec %q "$@"\n' "$binary"
    } >"$launcher.new"
    chmod 0755 -- "$launcher.new"
    mv -f -- "$launcher.new" "$launcher"
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

# What a running service was started from; a change means that it must be started again.
service_fingerprint() {
    {
        cat -- "$LOCAL/bin/$1" "$2" "$LOCAL/secrets/${1//-/_}.url"
        [[ ! -f $LOCAL/tls/server.pem ]] || cat -- "$LOCAL/tls/server.pem"
        env | LC_ALL=C grep '^TRIVET_' | LC_ALL=C sort || true
    } | sha256sum | cut -d ' ' -f 1
}

# service_start SERVICE BINARY PORT: starts it unless the same thing already runs. Sets STARTED to yes or no.
service_start() {
    local service=$1 binary=$2 port=$3 file=$LOCAL/run/$1.pid fingerprint
    STARTED=no
    fingerprint=$(service_fingerprint "$service" "$binary")
    if process_alive "$file"; then
        [[ $(cat -- "$LOCAL/run/$service.fingerprint" 2>/dev/null) == "$fingerprint" ]] && return 0
        step "Restarting $service, which has changed"
        process_stop "$file" 15
    else
        step "Starting $service"
    fi
    if port_in_use "$port"; then
        die "Port $port on 127.0.0.1 is taken by another process." "Choose one: $(port_variable "$service")=18083 scripts/up"
    fi
    [[ ! -f $LOCAL/log/$service.log ]] || mv -f -- "$LOCAL/log/$service.log" "$LOCAL/log/$service.log.1"
    process_start "$file" "$LOCAL/log/$service.log" "$LOCAL/bin/$service" serve
    printf '%s\n' "$fingerprint" >"$LOCAL/run/$service.fingerprint"
    # shellcheck disable=SC2034  # for the caller
    STARTED=yes
}

# site-control → STACK_SITE_CONTROL_PORT
port_variable() {
    local name=${1//-/_}
    printf 'STACK_%s_PORT\n' "${name^^}"
}

# service_ready SERVICE ORIGIN SECONDS: waits until /readyz says 200; the log's tail when it does not.
service_ready() {
    local service=$1 origin=$2 deadline=$((SECONDS + $3)) file=$LOCAL/run/$1.pid
    local -a curl=(curl --silent --output /dev/null --fail --max-time 2)
    [[ $origin != https:* ]] || curl+=(--cacert "$LOCAL/tls/ca.pem")
    until "${curl[@]}" "$origin/readyz"; do
        if ! process_alive "$file"; then
            tail -n 20 -- "$LOCAL/log/$service.log" >&2
            rm -f -- "$file"
            die "$service ended instead of becoming ready." "Its log is $LOCAL/log/$service.log."
        elif ((SECONDS >= deadline)); then
            tail -n 20 -- "$LOCAL/log/$service.log" >&2
            die "$service was not ready after $3 s: $origin/readyz" "Its log is $LOCAL/log/$service.log."
        fi
        sleep 0.05
    done
}

# stack_describe ORIGIN TLS(yes|no): writes stack.json. Secrets travel through the environment, not through arguments
# that everybody on the machine can read. The database's own URL carries the role that serves.
stack_describe() {
    local secrets=$LOCAL/secrets ca=''
    [[ $2 == no ]] || ca=$LOCAL/tls/ca.pem
    STACK_ORIGIN=$1 STACK_CA=$ca STACK_OBJECTS=$LOCAL/objects \
        STACK_CI=$(cat -- "$secrets/validation_decision.ci.token") \
        STACK_AUDITOR=$(cat -- "$secrets/validation_decision.auditor.token") \
        STACK_SUPERUSER=$(cluster_url "$CLUSTER" postgres "$(cat -- "$CLUSTER/password")" postgres) \
        STACK_DATABASE=$(cluster_url "$CLUSTER" validation_decision "$(cat -- "$secrets/validation_decision.password")" validation_decision) \
        jq -n '{
            validation_decision: {url: $ENV.STACK_ORIGIN, tokens: {ci: $ENV.STACK_CI, auditor: $ENV.STACK_AUDITOR}},
            postgres: {url: $ENV.STACK_SUPERUSER, databases: {validation_decision: $ENV.STACK_DATABASE}},
            object_store: {kind: "directory", root: $ENV.STACK_OBJECTS}
        } + if $ENV.STACK_CA == "" then {} else {ca_file: $ENV.STACK_CA} end' | write_secret "$LOCAL/stack.json"
}

# Stops everything that this stack started, in the order in which it depends on each other.
stack_stop() {
    local file
    for file in "$LOCAL"/run/*.pid; do
        [[ -e $file ]] || continue
        process_stop "$file" 15
        rm -f -- "${file%.pid}.fingerprint"
    done
    cluster_stop "$CLUSTER"
    rm -f -- "$LOCAL/stack.json"
}

# Forgets everything a stack holds; builds, virtual environments and measurements stay.
stack_erase() {
    stack_stop
    cluster_remove "$CLUSTER"
    rm -rf -- "${LOCAL:?}"/{bin,run,log,objects,secrets,tls}
}
