# shellcheck shell=bash
# Rules about sources that the compiler does not check. Needs common.sh. check_sources prints every breach.

# imports_of MODULE FOLDER...: the Swift files that import it, whatever the access level.
imports_of() {
    local module=$1
    shift
    grep -rlE --include='*.swift' "^[[:space:]]*(@[A-Za-z_]+(\([A-Za-z]+\))?[[:space:]]+)*((public|package|internal|fileprivate|private)[[:space:]]+)?import[[:space:]]+((struct|class|enum|protocol|func|var|let|typealias)[[:space:]]+)?$module([.[:space:]]|$)" "$@" || true
}

check_sources() {
    local breaches='' files owners module
    cd -- "$ROOT" || return 1

    # Foundation merely linked doubles idle memory.
    files=$(imports_of Foundation Shared Services)
    [[ -z $files ]] || breaches+="imports Foundation outside of tests: ${files//$'\n'/ }"$'\n'

    # A C library has one Swift owner: a target is a folder of Shared or a folder of a service.
    for module in Shared/C*/module.modulemap; do
        module=$(basename -- "$(dirname -- "$module")")
        owners=$(imports_of "$module" Shared Services | sed -E 's#^(Shared/[^/]+|Services/[^/]+/[^/]+)/.*#\1#' | sort -u)
        [[ $(grep -c . <<<"$owners") -le 1 ]] || breaches+="$module is imported by more than one target: ${owners//$'\n'/ }"$'\n'
    done

    # A domain is pure: it reaches no clock, no randomness, no file, and no other module.
    for module in Glibc Dispatch Synchronization Foundation FoundationEssentials; do
        files=$(imports_of "$module" Services/*/Domain)
        [[ -z $files ]] || breaches+="a domain imports $module: ${files//$'\n'/ }"$'\n'
    done

    if command -v shellcheck >/dev/null && ! shellcheck -x scripts/{up,down,demo,test,bench,node} scripts/{lib,demo.d}/*.sh Tests/EndToEnd/{run,peers} .ci/run >&2; then
        breaches+="the scripts do not pass shellcheck"$'\n'
    fi

    [[ -z $breaches ]] || die "The sources break rules of Shared/README.md:" "${breaches%$'\n'}"
}
