# shellcheck shell=bash
# What every script shares: where things are, how to speak, how to become root. Sourced, never run.

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
# Everything the scripts create outside .build lives here.
LOCAL=${LOCAL:-$ROOT/.local}

if [[ -t 2 ]]; then
    BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
    BOLD='' DIM='' RED='' PLAIN=''
fi

# Progress goes to stderr, so that stdout stays for results.
step() { printf '%s==>%s %s\n' "$BOLD" "$PLAIN" "$*" >&2; }
note() { printf '    %s%s%s\n' "$DIM" "$*" "$PLAIN" >&2; }
warn() { printf '%swarning:%s %s\n' "$RED" "$PLAIN" "$*" >&2; }
die() {
    printf '%serror:%s %s\n' "$RED" "$PLAIN" "$1" >&2
    shift
    local line
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

# Exit 2 for a wrong call, as every command line here does.
usage_error() {
    printf '%serror:%s %s\n' "$RED" "$PLAIN" "$1" >&2
    printf 'Try %s --help\n' "$0" >&2
    exit 2
}

# Prints the comment block at the top of the calling script, as its --help.
print_help() { sed -n '2,/^[^#]/{/^#/!d; s/^# \{0,1\}//; p}' "$0"; }

is_root() { [[ $(id -u) -eq 0 ]]; }

as_root() {
    if is_root; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        die "This step needs root: $*" "Run it as root, or install sudo."
    fi
}

# Creates .local and says clearly when it belongs to somebody else (a first run as root, a second without).
make_local() {
    mkdir -p -- "$LOCAL" 2>/dev/null || true
    [[ -d $LOCAL && -w $LOCAL ]] ||
        die "$LOCAL is not writable for $(id -un)." "It was made by another user; run as that user, or remove it."
    chmod 0755 -- "$LOCAL"
    mkdir -p -- "$LOCAL/run" "$LOCAL/log"
}

# Only one of up and down works on a stack at a time. The lock is file descriptor 9, closed for what is started.
lock_stack() {
    exec 9>"$LOCAL/lock"
    flock --wait 900 9 || die "Another scripts/up or scripts/down has held $LOCAL/lock for 15 minutes."
}
unlock_stack() { exec 9>&-; }

# 48 hexadecimal digits: a password that needs no quoting in SQL, URLs or JSON.
random_secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# write_secret FILE: stdin to FILE, mode 0600, replaced in one step.
write_secret() {
    local file=$1
    (umask 077 && cat >"$file.new" && mv -f -- "$file.new" "$file")
}

# free_port FIRST: the first port from FIRST upward that can be bound on loopback. Kept below the range that the
# kernel hands to outgoing connections, so that the port is still free when the stack is started again.
free_port() {
    python3 - "$1" <<'PY'
import socket, sys
for port in range(int(sys.argv[1]), 32768):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
    print(port)
    break
else:
    sys.exit("no free port on 127.0.0.1")
PY
}

# True when something accepts connections on that loopback port.
port_in_use() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
