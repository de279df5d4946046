# shellcheck shell=bash
# The image of disposable nodes: a Debian 12 root directory beside a WordPress release, both from Debian's packages,
# built once per list of packages. Needs common.sh and packages.sh.

# Images outlive a stack. Several checkouts of one machine can share them: STACK_NODE_CACHE=DIRECTORY.
NODE_CACHE=${STACK_NODE_CACHE:-$LOCAL/node-images}
NODE_MIRROR=${STACK_NODE_MIRROR:-http://deb.debian.org/debian}
NODE_SECURITY_MIRROR=${STACK_NODE_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
NODE_SUITE=bookworm

# WordPress is packaged without two libraries and its default theme, which are packages of their own.
WORDPRESS_PACKAGES=(wordpress wordpress-theme-twentytwentythree libjs-cropper libjs-underscore php-getid3)

node_packages() { sed -E 's/#.*//; /^[[:space:]]*$/d' "$ROOT/scripts/lib/node-packages"; }

# node_image: prints the directory of the image, which holds root/, wordpress.tar.gz and wordpress.sha256.
node_image() {
    local recipe image
    recipe=$(node_packages && declare -f node_image_build wordpress_pack && printf '%s\n' "${WORDPRESS_PACKAGES[@]}" "$NODE_SUITE")
    image=$NODE_CACHE/$NODE_SUITE-$(sha256sum <<<"$recipe" | cut -c 1-16)
    if [[ ! -d $image ]]; then
        mkdir -p -- "$NODE_CACHE"
        (
            exec 8>"$NODE_CACHE/lock"
            flock --wait 900 8 || die "Another build has held $NODE_CACHE/lock for 15 minutes."
            [[ -d $image ]] || node_image_build "$image"
        ) || return 1
    fi
    printf '%s\n' "$image"
}

# node_image_build IMAGE: all of it, or nothing under that name.
node_image_build() {
    local image=$1 log=$LOCAL/log/node-image.log building started=$SECONDS sources
    # Root directories of an interrupted build hold nothing that anybody uses.
    rm -rf -- "$NODE_CACHE"/building.*
    building=$(mktemp -d "$NODE_CACHE/building.XXXXXX")
    chmod 0755 -- "$building"
    mkdir -- "$building/debs"
    step "Building the node's image ($(node_packages | wc -l) packages and what they need; about a minute and a half)"
    sources="deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    # What apt and dpkg would ask or start is of no interest here, and a manual page is never read on a node.
    # shellcheck disable=SC2016  # $1 belongs to mmdebstrap's hooks
    mmdebstrap --mode=root --variant=minbase --format=directory --quiet \
        --include="$(node_packages | paste -sd ,)" \
        --aptopt='APT::Install-Recommends "false"' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook="cd '$building/debs' && env APT_CONFIG=\"\$MMDEBSTRAP_APT_CONFIG\" apt-get -q download ${WORDPRESS_PACKAGES[*]}" \
        --customize-hook='rm -f "$1"/etc/ssh/ssh_host_* && : >"$1/etc/machine-id" && : >"$1/etc/resolv.conf"' \
        --customize-hook='echo node >"$1/etc/hostname" && echo "127.0.0.1 localhost" >"$1/etc/hosts"' \
        --customize-hook='chroot "$1" systemctl disable fail2ban.service && install -d -m 0700 "$1/root/.ssh"' \
        "$NODE_SUITE" "$building/root" \
        "$sources $NODE_MIRROR $NODE_SUITE main" "$sources $NODE_MIRROR $NODE_SUITE-updates main" \
        "$sources $NODE_SECURITY_MIRROR $NODE_SUITE-security main" >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        rm -rf -- "$building"
        die "mmdebstrap could not build the node's image." "The whole output is in $log."
    }
    wordpress_pack "$building/debs" "$building" || {
        rm -rf -- "$building"
        die "The WordPress release could not be packed."
    }
    rm -rf -- "$building/debs"
    mv -T -- "$building" "$image"
    note "built in $((SECONDS - started)) s: ${image#"$ROOT"/}"
}

# wordpress_pack DEBS FOLDER: a release in the form that wordpress.org publishes (one folder `wordpress`), the same bytes
# for the same packages. The package is full of links into /usr/share, which nothing could follow below a site's folder:
# the release holds the files themselves.
wordpress_pack() {
    local debs=$1 folder=$2 tree=$1/tree share=$1/tree/usr/share deb
    mkdir -- "$tree"
    for deb in "$debs"/*.deb; do dpkg-deb --extract "$deb" "$tree" || return 1; done
    rm -f -- "$share/wordpress/.htaccess" "$share/wordpress/wp-config.php"
    cp --remove-destination -- "$folder/root/etc/ssl/certs/ca-certificates.crt" \
        "$share/wordpress/wp-includes/certificates/ca-bundle.crt" || return 1
    sed -nE "s/^\\\$wp_version = '([^']+)';/\1/p" "$share/wordpress/wp-includes/version.php" >"$folder/wordpress.version"
    (
        set -o pipefail
        tar --create --dereference --sort=name --mtime=@1700000000 --owner=0 --group=0 --numeric-owner \
            --directory="$share" wordpress | gzip -n >"$folder/wordpress.tar.gz"
    ) || return 1
    sha256sum <"$folder/wordpress.tar.gz" | cut -d ' ' -f 1 >"$folder/wordpress.sha256"
}
