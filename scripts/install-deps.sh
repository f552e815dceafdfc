#!/bin/sh
# Installs what is missing for `make demo` or `make test` from the system's package archive, and says what is
# wrong with the Rust toolchain where one is missing or too old. Downloads nothing else.
#
#   scripts/install-deps.sh demo|test
#
# Debian 12, Debian 13, Ubuntu 24.04. Elsewhere it names the libraries and goes on.
set -eu

purpose=${1:-demo}
root=$(cd "$(dirname "$0")/.." && pwd)

say() { printf '%s\n' "deps: $*"; }
fail() {
    printf '%s\n' "deps: $1" >&2
    shift
    for line in "$@"; do printf '      %s\n' "$line" >&2; done
    exit 1
}

# One package a line: name, then why.
wanted() {
    cat <<'LIST'
build-essential compiles SQLite and the FDK AAC library, links
pkg-config finds the libraries below
libclang-dev reads C headers (bindgen)
libavcodec-dev decodes what people own
libavformat-dev opens containers
libavfilter-dev deinterlaces
libavutil-dev shared by the libav libraries
libswscale-dev scales pictures
libswresample-dev resamples sound
libx264-dev encodes H.264
ca-certificates lets cargo check crates.io
LIST
    # The binding knows libdav1d before 1.3; where only a newer one is to be had, libav decodes AV1.
    if dpkg --compare-versions "$(archive_version libdav1d-dev)" lt 1.3; then
        echo 'libdav1d-dev decodes AV1'
    fi
    if [ "$purpose" = test ]; then
        echo 'ffmpeg makes test clips and judges our output'
        # Ubuntu has it as a snap only; the page is not looked at there.
        if [ "$(archive_version chromium)" != 999 ]; then
            echo 'chromium looks at the home page'
        fi
    fi
}

# The version installed, else the one the archive offers, else nothing older than anything.
archive_version() {
    version=$(dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true)
    if [ -z "$version" ]; then
        version=$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p')
    fi
    case "$version" in "" | "(none)") version=999 ;; esac
    echo "$version"
}

installed() {
    dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$'
}

missing() {
    wanted | while read -r package why; do
        installed "$package" || printf '%s %s\n' "$package" "$why"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

install_packages() {
    if ! command -v apt-get >/dev/null 2>&1; then
        say "no apt here: install by hand a C and C++ compiler, pkg-config, libclang, libx264 and FFmpeg 5.1"
        say "or newer with their development files$([ "$purpose" = test ] && echo ', and the ffmpeg program')"
        return
    fi
    list=$(missing)
    [ -n "$list" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 || fail "these packages are missing and you are not root; as root, type" \
            "apt-get update && apt-get install -y --no-install-recommends $(echo "$list" | cut -d' ' -f1 | tr '\n' ' ')"
        say "using sudo to install packages"
    fi
    # A fresh machine has no list of packages, or an old one.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q || fail "apt-get update failed; see above"
    list=$(missing)
    say "installing from the system's archive:"
    echo "$list" | while read -r package why; do printf '        %-20s %s\n' "$package" "$why"; done
    # Names hold no blanks; word splitting is meant.
    # shellcheck disable=SC2046
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        -o DPkg::Lock::Timeout=300 $(echo "$list" | cut -d' ' -f1) ||
        fail "apt-get install failed; see above"
}

check_rust() {
    wants=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
    get="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
    if ! command -v cargo >/dev/null 2>&1; then
        command -v curl >/dev/null 2>&1 || get="apt-get install -y curl && $get"
        fail "no Rust toolchain; RetroVue needs Rust $wants or newer (the archive's is older). Type" "$get" \
            "and then the same make command again"
    fi
    # Run from the root, where a toolchain of its own could be set.
    version=$(cd "$root" && cargo --version | sed -n 's/^cargo \([0-9]*\.[0-9]*\).*/\1/p')
    oldest=$(printf '%s\n%s\n' "$wants" "$version" | sort -V | head -n 1)
    if [ "$oldest" != "$wants" ]; then
        if command -v rustup >/dev/null 2>&1; then
            fail "Rust $version is too old; RetroVue needs $wants or newer. Type" "rustup update stable"
        fi
        fail "Rust $version ($(command -v cargo)) is too old; RetroVue needs $wants or newer. Type" "$get" \
            "and then the same make command again"
    fi
    [ "$purpose" = test ] || return 0
    for tool in rustfmt clippy-driver; do
        command -v "$tool" >/dev/null 2>&1 ||
            fail "$tool is missing. Type" "rustup component add rustfmt clippy"
    done
}

check_rust
install_packages
