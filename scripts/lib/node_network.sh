# shellcheck shell=bash
# The network of disposable nodes: one bridge on this machine and a network namespace for each node, joined by a pair of
# interfaces. No forwarding and no address translation: a node reaches this machine and its neighbours, nothing else.
# Needs common.sh.

# What belongs to one set of nodes is named after this directory, so that two checkouts never meet.
NODE_HOME=$(realpath -m -- "${STACK_NODE_HOME:-$LOCAL/nodes}")
NODE_TAG=tv$(printf '%s' "$NODE_HOME" | sha256sum | cut -c 1-6)
NODE_BRIDGE=${NODE_TAG}br

# node_subnet: the first three numbers of the network, chosen once and kept, so that addresses are stable. The range is the
# one for tests of network devices (RFC 2544): no company has it, and WordPress does not take it for somebody's inside.
node_subnet() {
    local file=$NODE_HOME/subnet third taken
    if [[ ! -s $file ]]; then
        if [[ -n ${STACK_NODE_SUBNET-} ]]; then
            [[ $STACK_NODE_SUBNET =~ ^([0-9]{1,3}\.){2}[0-9]{1,3}$ ]] ||
                die "STACK_NODE_SUBNET is not the first three numbers of a network: $STACK_NODE_SUBNET"
            printf '%s\n' "$STACK_NODE_SUBNET" >"$file"
        else
            taken=$(ip -4 route show table all; ip -4 -o addr show)
            third=$((16#${NODE_TAG:2:2} % 200 + 20))
            while [[ $taken == *"198.18.$third."* ]]; do third=$((third % 250 + 1)); done
            printf '198.18.%s\n' "$third" >"$file"
        fi
    fi
    cat -- "$file"
}

# This machine's address on the bridge.
node_gateway() { printf '%s.1\n' "$(node_subnet)"; }

node_bridge_up() {
    ip link show "$NODE_BRIDGE" >/dev/null 2>&1 && return 0
    ip link add "$NODE_BRIDGE" type bridge || die "The kernel makes no bridge here (CAP_NET_ADMIN, module bridge)."
    ip addr add "$(node_gateway)/24" dev "$NODE_BRIDGE"
    ip link set "$NODE_BRIDGE" up
}

# Removes the bridge once nothing is attached to it and no peer listens on its address.
node_bridge_release() {
    [[ ! -e $NODE_HOME/peers ]] || return 0
    ip link show "$NODE_BRIDGE" >/dev/null 2>&1 || return 0
    [[ -z $(ip -o link show master "$NODE_BRIDGE") ]] || return 0
    ip link delete "$NODE_BRIDGE"
}

# node_octet NAME: the last number of its address, given at the first call and kept for as long as its directory is there.
node_octet() {
    local file=$NODE_HOME/$1/octet octet=11
    if [[ ! -s $file ]]; then
        while grep -qxs "$octet" "$NODE_HOME"/*/octet; do octet=$((octet + 1)); done
        ((octet < 255)) || die "There is no address left for $1."
        printf '%s\n' "$octet" >"$file"
    fi
    cat -- "$file"
}

node_address() { printf '%s.%s\n' "$(node_subnet)" "$(node_octet "$1")"; }
node_namespace() { printf '%s-%s\n' "$NODE_TAG" "$1"; }
node_interface() { printf '%sn%s\n' "$NODE_TAG" "$(node_octet "$1")"; }

# namespace_up NAME: its namespace, attached to the bridge; NAME has a directory in NODE_HOME.
namespace_up() {
    local namespace interface
    namespace=$(node_namespace "$1")
    interface=$(node_interface "$1")
    node_bridge_up
    namespace_down "$1"
    ip netns add "$namespace"
    # The hardware address is as stable as the other one: nobody on the network remembers one that is gone.
    ip link add "$interface" type veth peer name host0 address "$(printf '02:54:56:00:00:%02x' "$(node_octet "$1")")" netns "$namespace"
    ip link set "$interface" master "$NODE_BRIDGE" up
    ip -n "$namespace" addr add "$(node_address "$1")/24" dev host0
    ip -n "$namespace" link set lo up
    ip -n "$namespace" link set host0 up
    ip -n "$namespace" route add default via "$(node_gateway)"
}

namespace_down() {
    local namespace interface
    namespace=$(node_namespace "$1")
    interface=$(node_interface "$1")
    # The pair goes with either end, but a namespace lives on for as long as a process in it does.
    ip link show "$interface" >/dev/null 2>&1 && ip link delete "$interface"
    [[ ! -e /run/netns/$namespace ]] || ip netns delete "$namespace"
}

# namespace_cut NAME, namespace_join NAME: the cable, pulled and put back.
namespace_cut() { ip link set "$(node_interface "$1")" down; }
namespace_join() { ip link set "$(node_interface "$1")" up; }
