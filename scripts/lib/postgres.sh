# shellcheck shell=bash
# Private PostgreSQL clusters. A cluster is known by a directory CLUSTER of ours holding
#   home      where data, socket and log are (below CLUSTER, or elsewhere when PostgreSQL's user cannot get there)
#   port      the loopback port
#   password  of the superuser `postgres`, mode 0600
# Needs common.sh and process.sh.

PG_VERSION_MIN=15

# Prints the directory of PostgreSQL's server programs, newest version first after PATH.
postgres_bin() {
    local initdb version
    for initdb in "$(command -v initdb || true)" $(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -rV); do
        [[ -x $initdb ]] || continue
        version=$("$initdb" --version 2>/dev/null | sed -n 's/.* \([0-9]*\)[.0-9a-z]*\( .*\)\{0,1\}$/\1/p')
        if [[ ${version:-0} -ge $PG_VERSION_MIN ]]; then
            dirname -- "$(readlink -f -- "$initdb")"
            return 0
        fi
    done
    return 1
}

require_postgres() {
    PG_BIN=$(postgres_bin) || die "PostgreSQL $PG_VERSION_MIN or newer is needed: initdb was not found."
    if is_root && ! id postgres >/dev/null 2>&1; then
        useradd --system --no-create-home --shell /usr/sbin/nologin postgres
    fi
}

# PostgreSQL refuses to run as root: then it belongs to the user postgres, else to whoever calls.
as_postgres() {
    if is_root; then
        (cd / && exec runuser -u postgres -- "$@")
    else
        (cd / && exec "$@")
    fi
}

cluster_home() { cat -- "$1/home"; }
cluster_port() { cat -- "$1/port"; }
cluster_socket() { printf '%s/socket\n' "$(cluster_home "$1")"; }

# cluster_create CLUSTER SETTING...: makes it unless it is there; each SETTING is a line of postgresql.conf.
cluster_create() {
    local cluster=$1 home
    shift
    [[ -f $cluster/ready ]] && return 0
    step "Creating a PostgreSQL cluster in ${cluster#"$ROOT"/}"
    cluster_remove "$cluster"
    mkdir -p -- "$cluster"
    home=$(cluster_place "$cluster")
    printf '%s\n' "$home" >"$cluster/home"
    random_secret | write_secret "$cluster/password"
    # Ours alone, and PostgreSQL's user may be another: a copy for as long as initdb runs.
    # shellcheck disable=SC2016  # expands in that shell
    as_postgres sh -c 'umask 077 && cat >"$1"' sh "$home/password" <"$cluster/password"
    as_postgres "$PG_BIN/initdb" --pgdata="$home/data" --username=postgres --auth=scram-sha-256 --encoding=UTF8 \
        --locale=C.UTF-8 --data-checksums --pwfile="$home/password" >"$LOCAL/log/initdb.log" 2>&1 || {
        cat "$LOCAL/log/initdb.log" >&2
        die "initdb failed."
    }
    as_postgres rm -f -- "$home/password"
    {
        printf "listen_addresses = '127.0.0.1'\n"
        printf "unix_socket_directories = '%s/socket'\n" "$home"
        printf "password_encryption = 'scram-sha-256'\n"
        printf "log_line_prefix = '%%m [%%p] %%q%%u@%%d '\n"
        [[ $# -eq 0 ]] || printf '%s\n' "$@"
    } | as_postgres tee -a "$home/data/postgresql.conf" >/dev/null
    : >"$cluster/ready"
}

# Where the files may live: below CLUSTER when PostgreSQL's user can reach it and the socket's path fits into the 107
# bytes of an address, else in a directory of its own in /var/tmp.
cluster_place() {
    local cluster=$1 home=$1/files
    mkdir -p -- "$home"
    if is_root; then chown postgres: -- "$home"; fi
    if [[ ${#home} -gt 70 ]] || ! as_postgres test -w "$home" 2>/dev/null; then
        rmdir -- "$home"
        home=$(mktemp -d /var/tmp/trivet-postgres.XXXXXX)
        if is_root; then chown postgres: -- "$home"; fi
    fi
    # The service may run as another user than PostgreSQL: the socket is reachable, the data directory (0700) is not.
    chmod 0755 -- "$home"
    as_postgres mkdir -m 0755 -- "$home/socket"
    printf '%s\n' "$home"
}

# Prints the postmaster's pid when it runs: the pid file's first line, believed only when that process works in the
# data directory (a postmaster changes into it) so that a recycled pid is not taken for it.
cluster_pid() {
    local data pid
    [[ -r $1/home ]] || return 1
    data=$(cluster_home "$1")/data
    pid=$(as_postgres head -n 1 "$data/postmaster.pid" 2>/dev/null) && [[ $pid =~ ^[0-9]+$ ]] || return 1
    [[ $(as_postgres readlink "/proc/$pid/cwd" 2>/dev/null) == "$(readlink -f -- "$data" || printf '%s' "$data")" ]] || return 1
    printf '%s\n' "$pid"
}

cluster_alive() { cluster_pid "$1" >/dev/null; }

# cluster_start CLUSTER FIRST_PORT: starts it unless it runs; keeps its port while that is free.
cluster_start() {
    local cluster=$1 first=$2 home port attempt
    cluster_alive "$cluster" && return 0
    home=$(cluster_home "$cluster")
    port=$(cat -- "$cluster/port" 2>/dev/null || printf '%s' "$first")
    for attempt in 1 2 3 4 5; do
        port=$(free_port "$port")
        # A pid file of a killed postmaster whose number was given away since would make the server refuse to start.
        as_postgres rm -f -- "$home/data/postmaster.pid"
        as_postgres mv -f -- "$home/server.log" "$home/server.log.1" 2>/dev/null || true
        if as_postgres "$PG_BIN/pg_ctl" start --pgdata="$home/data" --log="$home/server.log" --silent --wait \
            --timeout=60 -o "-p $port" >/dev/null 2>&1 </dev/null 9>&-; then
            printf '%s\n' "$port" >"$cluster/port"
            return 0
        fi
        # Somebody was faster to take the port: the next one. Anything else will not change by itself.
        as_postgres grep -q 'Address already in use' "$home/server.log" || break
        port=$((port + attempt))
    done
    as_postgres tail -n 20 "$home/server.log" >&2
    die "PostgreSQL did not start." "Its log is $home/server.log."
}

# cluster_stop CLUSTER MODE: fast (default) or immediate. Silent when nothing runs.
cluster_stop() {
    local mode=${2:-fast}
    cluster_alive "$1" || return 0
    as_postgres "$PG_BIN/pg_ctl" stop --pgdata="$(cluster_home "$1")/data" --mode="$mode" --silent --wait --timeout=60 \
        >/dev/null
}

# cluster_remove CLUSTER: stops it and deletes all of its files, wherever they are.
cluster_remove() {
    local cluster=$1 home
    if [[ -r $cluster/home ]]; then
        cluster_stop "$cluster" immediate
        home=$(cluster_home "$cluster")
        case $home in
            "$cluster"/files | /var/tmp/trivet-postgres.*) rm -rf -- "$home" ;;
        esac
    fi
    rm -rf -- "$cluster"
}

# cluster_psql CLUSTER DATABASE [ARGUMENT...]: psql as superuser over the socket; SQL on stdin; stops at an error.
cluster_psql() {
    local cluster=$1 database=$2
    shift 2
    PGPASSWORD=$(cat -- "$cluster/password") "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h "$(cluster_socket "$cluster")" \
        -p "$(cluster_port "$cluster")" -U postgres -d "$database" "$@"
}

# cluster_url CLUSTER USER PASSWORD DATABASE: over TCP, which every client understands.
cluster_url() { printf 'postgres://%s:%s@127.0.0.1:%s/%s\n' "$2" "$3" "$(cluster_port "$1")" "$4"; }

# cluster_socket_url CLUSTER USER PASSWORD DATABASE: over the Unix socket, which is faster.
cluster_socket_url() {
    local socket
    socket=$(cluster_socket "$1" | jq -rR '@uri')
    printf 'postgres://%s:%s@/%s?host=%s&port=%s\n' "$2" "$3" "$4" "$socket" "$(cluster_port "$1")"
}
