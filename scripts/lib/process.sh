# shellcheck shell=bash
# Background processes, known by a file that holds "pid start-time boot-id". The start time (in clock ticks since boot)
# makes the pair unique: a pid that the kernel has given to another process is never mistaken for ours. Needs common.sh.

# process_facts PID: "state start-time", empty when there is no such process.
process_facts() {
    local line
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    # The name in parentheses may hold anything; what follows the last one is fixed (proc(5), fields 3 and 22).
    local -a field
    read -ra field <<<"${line##*) }"
    printf '%s %s\n' "${field[0]}" "${field[19]}"
}

boot_id() { cat /proc/sys/kernel/random/boot_id; }

# process_remember FILE PID
process_remember() {
    local facts
    facts=$(process_facts "$2") || return 1
    printf '%s %s %s\n' "$2" "${facts#* }" "$(boot_id)" >"$1.new"
    mv -f -- "$1.new" "$1"
}

# process_pid FILE: the pid, when the process that FILE remembers still runs.
process_pid() {
    local pid started boot facts
    [[ -r $1 ]] && read -r pid started boot <"$1" && [[ $boot == "$(boot_id)" ]] || return 1
    facts=$(process_facts "$pid") || return 1
    [[ ${facts#* } == "$started" && ${facts% *} != Z ]] || return 1
    printf '%s\n' "$pid"
}

process_alive() { process_pid "$1" >/dev/null; }

# process_stop FILE SECONDS: SIGTERM, then SIGKILL after that time. Silent when nothing runs.
process_stop() {
    local file=$1 pid deadline=$((SECONDS + $2))
    if pid=$(process_pid "$file"); then
        kill -TERM "$pid" 2>/dev/null || true
        while process_alive "$file"; do
            if ((SECONDS >= deadline)); then
                warn "process $pid did not stop within $2 s; killing it"
                kill -KILL "$pid" 2>/dev/null || true
                deadline=$((SECONDS + 5))
            fi
            sleep 0.05
        done
    fi
    rm -f -- "$file"
}

# process_start FILE LOG COMMAND...: in a session of its own, so that Ctrl-C in the terminal does not reach it.
process_start() {
    local file=$1 log=$2 pid
    shift 2
    setsid -- "$@" >>"$log" 2>&1 </dev/null 8>&- 9>&- &
    pid=$!
    disown "$pid"
    process_remember "$file" "$pid" || true
}
