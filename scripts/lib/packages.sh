# shellcheck shell=bash
# Debian packages from scripts/lib/packages. Needs common.sh.

# Is the program on PATH, or where Debian keeps PostgreSQL's server programs?
program_found() {
    [[ -n $1 ]] || return 1
    if [[ $1 == initdb ]]; then
        postgres_bin >/dev/null
    else
        command -v -- "$1" >/dev/null
    fi
}

package_installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# missing_packages GROUP...: one name a line.
missing_packages() {
    local wanted=" $* " group package program
    while read -r group package program; do
        [[ -z $group || $group == '#'* || $wanted != *" $group "* ]] && continue
        package_installed "$package" || program_found "$program" || printf '%s\n' "$package"
    done <"$ROOT/scripts/lib/packages" | sort -u
}

# install_packages GROUP...: installs what is missing and nothing else; without anything missing, root is not needed.
install_packages() {
    local -a missing
    mapfile -t missing < <(missing_packages "$@")
    [[ ${#missing[@]} -gt 0 ]] || return 0
    command -v apt-get >/dev/null ||
        die "Missing: ${missing[*]}" "This is not a Debian system; install their equivalents by hand."
    step "Installing ${missing[*]}"
    quiet_services_during apt_install "${missing[@]}"
}

# The package lists of a fresh image are empty and those of an old one point to versions that are gone: update where
# there is no list, or where the first attempt fails.
apt_install() {
    local log=$LOCAL/log/apt.log
    local -a apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 -qq)
    if compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null &&
        as_root "${apt[@]}" install -y --no-install-recommends "$@" >"$log" 2>&1; then
        return 0
    fi
    as_root "${apt[@]}" update >"$log" 2>&1 &&
        as_root "${apt[@]}" install -y --no-install-recommends "$@" >>"$log" 2>&1 && return 0
    tail -n 20 "$log" >&2
    die "apt-get could not install: $*" "The whole output is in $log."
}

# Runs a command while Debian's packages are kept from starting daemons: PostgreSQL's default cluster would take port
# 5432 and come back at every boot, nginx would take port 80. Nothing of this stays behind on the machine.
quiet_services_during() {
    local policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.d/trivet.conf
    local had_nginx=yes own_policy=no status=0
    package_installed nginx-common || had_nginx=no
    if [[ ! -e $policy ]]; then
        own_policy=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 0755 "$policy"
    fi
    as_root mkdir -p "${cluster%/*}"
    printf 'create_main_cluster = false\n' | as_root tee "$cluster" >/dev/null
    ("$@") || status=$?
    as_root rm -f "$cluster"
    [[ $own_policy == no ]] || as_root rm -f "$policy"
    if [[ $had_nginx == no && -d /run/systemd/system ]] && package_installed nginx-common; then
        as_root systemctl disable --quiet nginx.service || true
    fi
    return "$status"
}

# python_with MODULE...: prints a python3 that can import all of them.
python_with() {
    local candidate code
    code=$(printf 'import %s;' "$@")
    for candidate in python3 /usr/bin/python3; do
        if command -v "$candidate" >/dev/null && "$candidate" -c "$code" >/dev/null 2>&1; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# python_environment DIRECTORY REQUIREMENTS_FILE: a virtual environment holding those packages, made once per version
# of the file; prints its python.
python_environment() {
    local directory=$1 requirements=$2 base
    if ! cmp -s -- "$requirements" "$directory/requirements.txt"; then
        base=$(python_with venv ensurepip) || die "No python3 with venv and ensurepip; install python3-venv."
        step "Installing Python packages into ${directory#"$ROOT"/}"
        rm -rf -- "$directory"
        "$base" -m venv "$directory" >&2
        "$directory/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" >&2 ||
            die "pip could not install what $requirements asks for."
        cp -- "$requirements" "$directory/requirements.txt"
    fi
    printf '%s\n' "$directory/bin/python"
}
