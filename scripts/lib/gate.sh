# shellcheck shell=bash
# The delivery engine of the stack: a double of Gate beside the services until a real one is configured. Needs
# common.sh, process.sh, packages.sh and service.sh.

# Every rollout of the double succeeds by itself after this many milliseconds, unless it is told otherwise.
GATE_ROLLOUT_MS=3000

gate_is_configured() { [[ -n ${TRIVET_GATE_URL-}${TRIVET_GATE_URL_FILE-} ]]; }

# gate_url PORT: where deployments go.
gate_url() {
    if [[ -n ${TRIVET_GATE_URL_FILE-} ]]; then
        cat -- "$TRIVET_GATE_URL_FILE"
    else
        printf '%s\n' "${TRIVET_GATE_URL:-http://127.0.0.1:$1}"
    fi
}

# gate_start PORT: the double, unless it runs already. Executions are in its memory only, so it is not restarted needlessly.
gate_start() {
    local port=$1 program=$ROOT/Tests/doubles/gate_double.py python
    python=$(python_with http.server) || die "No python3 with its standard library; install python3."
    local -a command=("$python" -B "$program" --port "$port" --script "$GATE_ROLLOUT_MS:SUCCEEDED")
    start_unless_same gate "$port" "$({ printf '%s\n' "${command[@]}" && cat -- "$program"; } | sha256sum | cut -d ' ' -f 1)" \
        "${command[@]}"
    service_ready gate "http://127.0.0.1:$port/health" 15
}

# Ends the double, where a real Gate took its place.
gate_stop() {
    process_stop "$LOCAL/run/gate.pid" 5
    rm -f -- "$LOCAL/run/gate.fingerprint"
}
