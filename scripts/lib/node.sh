# shellcheck shell=bash
# Disposable nodes: Debian 12 with systemd as its first process, booted by systemd-nspawn on an overlay over the image.
# A node is a directory $NODE_HOME/NAME of ours:
#   octet             the last number of its address
#   key, known_hosts  how to get in as root, and who must answer
#   disk/, work/      what was written since the image; survives stop and kill
#   pid               the running systemd-nspawn, as process.sh remembers processes
#   console.log
# Needs common.sh, process.sh, node_image.sh and node_network.sh.

NODE_CONTROLLERS=(systemd unified memory pids cpu cpuacct blkio)

# node_missing: what this machine lacks for nodes, one reason a line; nothing when nodes can run.
node_missing() {
    local capabilities program
    [[ $(uname -s) == Linux ]] || printf 'Linux\n'
    if ! is_root; then
        printf 'root: namespaces, mounts and a bridge are made; run as root or with sudo\n'
        return 0
    fi
    capabilities=$((16#$(sed -nE 's/^CapEff:\s*//p' /proc/self/status)))
    ((capabilities >> 21 & 1)) || printf 'CAP_SYS_ADMIN: this is a container without the right to mount\n'
    ((capabilities >> 12 & 1)) || printf 'CAP_NET_ADMIN: this is a container without the right to make interfaces\n'
    for program in systemd-nspawn:systemd-container mmdebstrap:mmdebstrap ip:iproute2 ssh:openssh-client unshare:util-linux; do
        command -v "${program%:*}" >/dev/null || printf '%s: install %s\n' "${program%:*}" "${program#*:}"
    done
    [[ -r /usr/share/keyrings/debian-archive-keyring.gpg ]] || printf 'the keys of Debian: install debian-archive-keyring\n'
    unshare --mount --net true 2>/dev/null || printf 'namespaces: the kernel or a sandbox refuses unshare\n'
    grep -qw overlay /proc/filesystems || modprobe -q overlay 2>/dev/null || printf 'overlayfs: the kernel does not have it\n'
}

# Installs what can be installed, and dies with everything that cannot.
node_require() {
    local missing
    ! is_root || install_packages node
    missing=$(node_missing)
    [[ -z $missing ]] || die "This machine cannot run nodes; it lacks:" "${missing//$'\n'/$'\n       '}"
}

node_exists() { [[ -s $NODE_HOME/$1/octet && -d $NODE_HOME/$1/disk ]]; }
node_running() { process_alive "$NODE_HOME/$1/pid"; }
node_names() {
    local file
    for file in "$NODE_HOME"/*/disk; do
        [[ ! -d $file ]] || basename -- "${file%/disk}"
    done
}

# node_create NAME IMAGE: an empty disk with a name, a host key and an authorised key of its own.
node_create() {
    local name=$1 image=$2 folder=$NODE_HOME/$1 disk=$NODE_HOME/$1/disk
    mkdir -p -- "$folder"
    chmod 0700 -- "$folder"
    node_octet "$name" >/dev/null
    printf '%s\n' "$image" >"$folder/image"
    [[ -s $folder/key ]] || ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$folder/key"
    [[ -s $folder/host_key ]] || ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$folder/host_key"
    printf '%s %s\n' "$(node_address "$name")" "$(cat -- "$folder/host_key.pub")" >"$folder/known_hosts"
    mkdir -p -- "$folder/work" "$folder/root" "$disk"
    chmod 0755 -- "$disk"
    install -d -m 0755 -- "$disk/etc" "$disk/etc/ssh"
    install -d -m 0700 -- "$disk/root" "$disk/root/.ssh"
    install -m 0600 -- "$folder/key.pub" "$disk/root/.ssh/authorized_keys"
    install -m 0600 -- "$folder/host_key" "$disk/etc/ssh/ssh_host_ed25519_key"
    install -m 0644 -- "$folder/host_key.pub" "$disk/etc/ssh/ssh_host_ed25519_key.pub"
    printf '%s\n' "$name" >"$disk/etc/hostname"
    printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$name" >"$disk/etc/hosts"
    # Without a name server a lookup fails at once; with one that never answers, WordPress waits for it.
    if [[ -n ${STACK_NODE_RESOLVER-} ]]; then
        printf 'nameserver %s\noptions timeout:1 attempts:1\n' "$STACK_NODE_RESOLVER" >"$disk/etc/resolv.conf"
    fi
}

# node_cgroups NAME: the control groups of a node, one in every hierarchy that can be written.
node_cgroups() {
    local controller name
    name=$(node_namespace "$1")
    if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
        printf '/sys/fs/cgroup/%s\n' "$name"
        return 0
    fi
    for controller in "${NODE_CONTROLLERS[@]}"; do
        [[ ! -w /sys/fs/cgroup/$controller/cgroup.procs ]] || printf '/sys/fs/cgroup/%s/%s\n' "$controller" "$name"
    done
}

# node_cgroups_remove NAME: ends what is left in them and removes them with the groups that the node's systemd made below.
# The node's first process outlives a systemd-nspawn that was killed, and everything in the node ends with it.
node_cgroups_remove() {
    local group deadline=$((SECONDS + 10))
    for group in $(node_cgroups "$1"); do
        while [[ -d $group ]]; do
            grep -rhs '' --include=cgroup.procs "$group" | xargs -r kill -KILL 2>/dev/null || true
            find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
            ((SECONDS < deadline)) || { warn "$group is still in use" && break; }
            sleep 0.02
        done
    done
}

# node_boot NAME: starts it and returns when it lets root in. The overlay is mounted in a mount namespace of the node's
# own: it goes with the last process, whatever happens.
node_boot() {
    local name=$1 folder=$NODE_HOME/$1 overlay
    local -a groups
    namespace_up "$name"
    overlay=lowerdir=$(cat -- "$folder/image")/root,upperdir=$folder/disk,workdir=$folder/work
    mapfile -t groups < <(node_cgroups "$name")
    [[ ${#groups[@]} -eq 0 ]] || mkdir -p -- "${groups[@]}"
    # shellcheck disable=SC2016  # expands in that shell
    process_start "$folder/pid" "$folder/console.log" unshare --mount --propagation private -- bash -c '
        set -e
        name=$1 root=$2 overlay=$3 namespace=$4
        shift 4
        for group; do echo $$ >"$group/cgroup.procs"; done
        mount -t overlay overlay -o "$overlay" "$root"
        export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
        exec systemd-nspawn --quiet --directory="$root" --machine="$name" --hostname="$name" --boot --register=no \
            --keep-unit --network-namespace-path="/run/netns/$namespace" --capability=CAP_NET_ADMIN --resolv-conf=off \
            --timezone=off --link-journal=no --console=pipe' \
        node "$name" "$folder/root" "$overlay" "$(node_namespace "$name")" "${groups[@]}"
    node_wait "$name" 60
}

# node_wait NAME SECONDS: until root can log in and the boot is over.
node_wait() {
    local name=$1 folder=$NODE_HOME/$1 deadline=$((SECONDS + $2)) state
    # Asked again and again: with --wait, a boot that ends while the question is under way is waited for in vain.
    until state=$(node_ssh "$name" -o ConnectTimeout=2 -o ServerAliveInterval=1 -- systemctl is-system-running 2>/dev/null || true) &&
        [[ $state == running || $state == degraded ]]; do
        if ! node_running "$name"; then
            tail -n 20 -- "$folder/console.log" >&2
            node_off "$name"
            die "The node $name ended instead of booting." "Its console is $folder/console.log."
        elif ((SECONDS >= deadline)); then
            tail -n 20 -- "$folder/console.log" >&2
            die "The node $name did not let root in within $2 s." "Its console is $folder/console.log."
        fi
        sleep 0.1
    done
    [[ $state == running ]] || warn "$name booted, but its systemd says: $state (scripts/node ssh $name -- systemctl --failed)"
}

# node_ssh NAME [SSH_OPTION...] [-- COMMAND...]
node_ssh() {
    local folder=$NODE_HOME/$1
    local -a options=(-F /dev/null -i "$folder/key" -o IdentitiesOnly=yes -o BatchMode=yes -o LogLevel=ERROR
        -o "UserKnownHostsFile=$folder/known_hosts" -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes)
    local address
    address=$(node_address "$1")
    shift
    while [[ $# -gt 0 && $1 != -- ]]; do options+=("$1") && shift; done
    [[ $# -eq 0 ]] || shift
    # shellcheck disable=SC2029  # the words are for the node's shell
    ssh "${options[@]}" "root@$address" "$@"
}

# node_off NAME [kill]: an orderly power-off, or the plug pulled. The disk stays.
node_off() {
    local name=$1 file=$NODE_HOME/$1/pid pid
    if [[ ${2-} == kill ]] && pid=$(process_pid "$file"); then
        kill -KILL "$pid" 2>/dev/null || true
    fi
    process_stop "$file" 20
    node_cgroups_remove "$name"
    namespace_down "$name"
}

# node_remove NAME: all of it, its address included.
node_remove() {
    node_off "$1" kill
    rm -rf -- "${NODE_HOME:?}/$1"
}

# node_describe NAME: one JSON object for programs.
node_describe() {
    local name=$1 folder=$NODE_HOME/$1 state=stopped
    ! node_running "$name" || state=running
    jq -n --arg name "$name" --arg address "$(node_address "$name")" --arg state "$state" --arg folder "$folder" \
        --arg gateway "$(node_gateway)" --arg namespace "$(node_namespace "$name")" '{
            name: $name, address: $address, state: $state, ssh_user: "root", ssh_port: 22, key: ($folder + "/key"),
            known_hosts: ($folder + "/known_hosts"), gateway: $gateway, namespace: $namespace
        }'
}
