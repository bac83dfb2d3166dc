# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What every script of the project needs: the checkout and its owner, directories for temporary files, building.
# Sourced, never run. Sets CHECKOUT, BUILDS (where builds go), COWSHED_PRESET and COWSHED_BUILD, and GIVEN_BUILD to what the caller
# said about the last.

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
: "${HOME:=/nonexistent}"

# An ordinary user's PATH lacks mkfs, losetup and the like.
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# --- The owner of the checkout -----------------------------------------------------------------------------------------------

# True when root works in somebody else's checkout.
in_foreign_checkout() { [[ $(id -u) == 0 && $(stat -c %u "$CHECKOUT") != 0 && $BUILDS == "$CHECKOUT"/* ]]; }

# Runs a command as the owner of the checkout, so that root leaves no files there that the owner cannot remove.
as_owner() {
    if ! in_foreign_checkout; then
        "$@"
        return
    fi
    local uid gid home without_home=()
    uid=$(stat -c %u "$CHECKOUT")
    gid=$(stat -c %g "$CHECKOUT")
    home=$(getent passwd "$uid" | cut -d: -f6)
    [[ -d $home ]] || without_home=(CCACHE_DISABLE=1)
    # TMPDIR and XDG_* of root are root's; the owner may not be able to write there.
    setpriv --reuid="$uid" --regid="$gid" --clear-groups --inh-caps=-all --no-new-privs \
        env -u TMPDIR -u XDG_CACHE_HOME -u XDG_RUNTIME_DIR -u CCACHE_DIR HOME="${home:-/nonexistent}" "${without_home[@]}" "$@"
}

# --- Directories for temporary files -----------------------------------------------------------------------------------------

free_mib() {
    local blocks size
    read -r blocks size < <(stat -f -c '%a %S' "$1") && echo $((blocks * size / 1048576))
}

# Paths end up on kernel command lines, where blanks and some other characters part arguments.
usable_dir() { # DIR MIB
    [[ -d $1 && -w $1 && -x $1 && $1 == /* && $1 != *[[:space:]\"\'\\,:]* ]] && (($(free_mib "$1") >= $2))
}

allows_exec() { [[ ,$(findmnt -n -o OPTIONS -T "$1" 2>/dev/null), != *,noexec,* ]]; }

available_mib() { awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo; }

# Prints a directory for temporary files with MIB free.
temp_dir() { # MIB
    local dir
    for dir in ${TMPDIR:+"$TMPDIR"} /tmp /var/tmp "$HOME"; do
        if usable_dir "$dir" "$1"; then
            echo "$dir"
            return
        fi
    done
    say "no directory for temporary files with $1 MiB free (tried \$TMPDIR, /tmp, /var/tmp and \$HOME); set TMPDIR"
    return 1
}

# Prints a directory for a file of MIB that stands for memory: /dev/shm where it is large enough. In containers it often is not
# (64 MiB), and a process that fills it dies of SIGBUS.
memory_dir() { # MIB
    if usable_dir /dev/shm "$1" && allows_exec /dev/shm && (($(available_mib) >= $1)); then
        echo /dev/shm
        return
    fi
    local dir
    dir=$(temp_dir "$1") || return
    allows_exec "$dir" || { say "$dir is mounted noexec, which user-mode Linux cannot use; set TMPDIR"; return 1; }
    echo "$dir"
}

# Prints the directory for what is made once and used again; never the checkout, which may be somebody else's.
cache_dir() {
    local dir
    for dir in "${XDG_CACHE_HOME:-$HOME/.cache}/cowshed" "/var/tmp/cowshed-$(id -u)"; do
        if mkdir -p "$dir" 2>/dev/null && [[ -O $dir && -w $dir ]]; then
            echo "$dir"
            return
        fi
    done
    say "no directory for a cache; set XDG_CACHE_HOME"
    return 1
}

# --- Sizes -------------------------------------------------------------------------------------------------------------------

# Prints 4G, 512M or 512MiB as MiB.
to_mib() {
    local number=${1%%[!0-9]*} unit=${1##*[0-9]}
    [[ -n $number ]] || return 1
    number=$((10#$number))
    case $unit in
    G | GiB) echo $((number * 1024)) ;;
    M | MiB) echo "$number" ;;
    *) return 1 ;;
    esac
}

# --- Building ----------------------------------------------------------------------------------------------------------------

# Prints the directory of builds: in the checkout, or for one that may only be read, with what else is kept.
builds_dir() {
    local dir=$CHECKOUT/build kept
    if [[ ! -w $dir && (-e $dir || ! -w $CHECKOUT) ]] && kept=$(cache_dir 2>/dev/null); then
        dir=$kept/build-$(sha256sum <<<"$CHECKOUT" | cut -c1-16)
    fi
    echo "$dir"
}

BUILDS=$(builds_dir)
COWSHED_PRESET=${COWSHED_PRESET:-release}
GIVEN_BUILD=${COWSHED_BUILD:-}
COWSHED_BUILD=${COWSHED_BUILD:-$BUILDS/$COWSHED_PRESET}
[[ $COWSHED_BUILD == /* ]] || COWSHED_BUILD=$PWD/$COWSHED_BUILD
export COWSHED_PRESET COWSHED_BUILD

# Turns to a build that is there, whoever made it.
use_any_build() {
    local dir
    [[ -z $GIVEN_BUILD ]] || return 0
    for dir in "$COWSHED_BUILD" "$BUILDS/demo" "$CHECKOUT/build/$COWSHED_PRESET" "$CHECKOUT/build/demo"; do
        [[ ! -d $dir/bin ]] || { COWSHED_PRESET=${dir##*/} COWSHED_BUILD=$dir && return; }
    done
}

# Turns to the build of scripts/demo, which is quicker, being without tests and benches.
use_demo_build() {
    [[ -z $GIVEN_BUILD ]] || return 0
    COWSHED_PRESET=demo COWSHED_BUILD=$BUILDS/demo
}

# Configures the preset when that was not done yet, and builds it. Quiet unless it fails.
build() { # PRESET [TARGET...]
    local preset=$1 dir=$BUILDS/$1 file log status=0
    shift
    [[ $preset != "$COWSHED_PRESET" ]] || dir=$COWSHED_BUILD
    file=$(mktemp) || return
    exec {log}<>"$file"
    # Without a name from here on, so that nothing is left of a build that is interrupted.
    rm -f "$file"
    build_into "$preset" "$dir" "$@" >"/dev/fd/$log" 2>&1 {log}>&- || status=$?
    ((status == 0)) || { cat "/dev/fd/$log" >&2; say "building $preset failed"; }
    exec {log}>&-
    return "$status"
}

build_into() { # PRESET DIR [TARGET...]
    local preset=$1 dir=$2 target options=()
    shift 2
    if [[ ! -e $dir/build.ninja ]]; then
        if command -v ccache >/dev/null; then
            options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
        fi
        (cd "$CHECKOUT" && as_owner cmake --preset "$preset" -B "$dir" "${options[@]}") || return
    fi
    local targets=()
    for target; do targets+=(--target "$target"); done
    (cd "$CHECKOUT" && as_owner cmake --build "$dir" -j "$(nproc)" "${targets[@]}")
}
