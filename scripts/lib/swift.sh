# shellcheck shell=bash
# The Swift toolchain and the build. Needs common.sh.

# Puts swift on PATH where it is installed but not found (sudo, for one, resets PATH) and checks its version.
require_swift() {
    local directory version
    if ! command -v swift >/dev/null; then
        for directory in /opt/swift/usr/bin /usr/local/swift/usr/bin "$HOME/.local/share/swiftly/bin" /usr/libexec/swift/bin; do
            if [[ -x $directory/swift ]]; then
                export PATH=$directory:$PATH
                break
            fi
        done
    fi
    command -v swift >/dev/null ||
        die "Swift 6.2 or newer is needed and no swift was found on PATH." \
            "Install it from https://www.swift.org/install/linux/ (Debian 12) and run this again."
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    [[ -n $version ]] || die "$(command -v swift) --version printed no version:" "$(swift --version 2>&1 | head -n 3)"
    if [[ ${version%.*} -lt 6 || (${version%.*} -eq 6 && ${version#*.} -lt 2) ]]; then
        die "Swift 6.2 or newer is needed; $(command -v swift) is $version."
    fi
}

# build_release PRODUCT: optimised, refusing an import that the target graph does not allow. Leaves the path in BINARY.
build_release() {
    local product=$1 log=$LOCAL/log/build.log
    local -a options=(-c release --package-path "$ROOT" --explicit-target-dependency-import-check error)
    step "Building $product (release)"
    if ! swift build "${options[@]}" --product "$product" >"$log" 2>&1; then
        grep -E 'error:' "$log" | sort -u | head -n 20 >&2 || true
        tail -n 20 "$log" >&2
        die "The build failed." "The whole output is in $log."
    fi
    find_release "$product"
}

# find_release PRODUCT: the path of a release build made earlier, in BINARY.
find_release() {
    BINARY=$ROOT/.build/release/$1
    [[ -x $BINARY ]] || die "$BINARY does not exist; run without --no-build."
}
