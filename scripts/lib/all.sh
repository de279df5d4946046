# shellcheck shell=bash
# Every shared piece, in the order in which they need each other.

HERE=$(dirname -- "${BASH_SOURCE[0]}")
# shellcheck source=scripts/lib/common.sh
source "$HERE/common.sh"
# shellcheck source=scripts/lib/process.sh
source "$HERE/process.sh"
# shellcheck source=scripts/lib/postgres.sh
source "$HERE/postgres.sh"
# shellcheck source=scripts/lib/packages.sh
source "$HERE/packages.sh"
# shellcheck source=scripts/lib/swift.sh
source "$HERE/swift.sh"
# shellcheck source=scripts/lib/service.sh
source "$HERE/service.sh"
# shellcheck source=scripts/lib/gate.sh
source "$HERE/gate.sh"
# shellcheck source=scripts/lib/stack.sh
source "$HERE/stack.sh"
# shellcheck source=scripts/lib/node_image.sh
source "$HERE/node_image.sh"
# shellcheck source=scripts/lib/node_network.sh
source "$HERE/node_network.sh"
# shellcheck source=scripts/lib/node.sh
source "$HERE/node.sh"
# shellcheck source=scripts/lib/node_stack.sh
source "$HERE/node_stack.sh"
# shellcheck source=scripts/lib/check_sources.sh
source "$HERE/check_sources.sh"
unset HERE
