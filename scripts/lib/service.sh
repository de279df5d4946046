# shellcheck shell=bash
# A service of the stack as a process. Needs common.sh and process.sh.

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
    local service=$1 binary=$2 port=$3
    start_unless_same "$service" "$port" "$(service_fingerprint "$service" "$binary")" "$LOCAL/bin/$service" serve
}

# start_unless_same NAME PORT FINGERPRINT COMMAND...: what run/NAME.pid remembers is left alone where it was started
# with the same fingerprint, and replaced where not. Sets STARTED to yes or no.
start_unless_same() {
    local name=$1 port=$2 fingerprint=$3 file=$LOCAL/run/$1.pid
    shift 3
    STARTED=no
    if process_alive "$file"; then
        [[ $(cat -- "$LOCAL/run/$name.fingerprint" 2>/dev/null) == "$fingerprint" ]] && return 0
        step "Restarting $name, which has changed"
        process_stop "$file" 15
    else
        step "Starting $name"
    fi
    if port_in_use "$port"; then
        die "Port $port on 127.0.0.1 is taken by another process." "Choose another: $(port_variable "$name")=$(free_port 18081) scripts/up"
    fi
    [[ ! -f $LOCAL/log/$name.log ]] || mv -f -- "$LOCAL/log/$name.log" "$LOCAL/log/$name.log.1"
    process_start "$file" "$LOCAL/log/$name.log" "$@"
    printf '%s\n' "$fingerprint" >"$LOCAL/run/$name.fingerprint"
    # shellcheck disable=SC2034  # for the caller
    STARTED=yes
}

# site-control → STACK_SITE_CONTROL_PORT
port_variable() {
    local name=${1//-/_}
    printf 'STACK_%s_PORT\n' "${name^^}"
}

# stack_port NAME DEFAULT: the port that the environment asks for, checked.
stack_port() {
    local variable port
    variable=$(port_variable "$1")
    port=${!variable:-$2}
    [[ $port =~ ^[1-9][0-9]{0,4}$ && $port -le 65535 ]] || usage_error "$variable is no port number: $port"
    printf '%s\n' "$port"
}

# service_ready NAME URL SECONDS: waits until it answers 200; the log's tail when it does not.
service_ready() {
    local name=$1 url=$2 deadline=$((SECONDS + $3)) file=$LOCAL/run/$1.pid
    local -a curl=(curl --silent --output /dev/null --fail --max-time 2)
    [[ $url != https:* ]] || curl+=(--cacert "$LOCAL/tls/ca.pem")
    until "${curl[@]}" "$url"; do
        if ! process_alive "$file"; then
            tail -n 20 -- "$LOCAL/log/$name.log" >&2
            rm -f -- "$file"
            die "$name ended instead of becoming ready." "Its log is $LOCAL/log/$name.log."
        elif ((SECONDS >= deadline)); then
            tail -n 20 -- "$LOCAL/log/$name.log" >&2
            die "$name was not ready after $3 s: $url" "Its log is $LOCAL/log/$name.log."
        fi
        sleep 0.05
    done
}
