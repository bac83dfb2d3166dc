#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# `cmake --install` puts all in its place, whatever the prefix, and systemd is content with the units.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
# shellcheck source=checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"

PREFIX=$WORK/prefix
UNITS=$PREFIX/lib/systemd/system

# All that somebody who installs it expects; headers are tests/scripts/plugin_test.sh's.
EXPECTED='bin/cowshed
lib/systemd/system/cowshed.service
lib/systemd/system/cowshed.socket
lib/tmpfiles.d/cowshed.conf
lib/udev/rules.d/05-cowshed.rules
share/bash-completion/completions/cowshed
share/cowshed/cowshed.schema.json
share/cowshed/vm.schema.json
share/doc/cowshed/LICENSE
share/doc/cowshed/README.md
share/doc/cowshed/docs/install.md
share/doc/cowshed/docs/formats/cow.md
share/doc/cowshed/examples/driver/copies.cc
share/doc/cowshed/examples/qemu-vm/throwaway
share/man/man1/cowshed.1
share/man/man5/cowshed.json.5'

install_into() { cmake --install "$COWSHED_BUILD" --component runtime --prefix "$1"; } # PREFIX

all_expected_are_there() {
    local path status=0
    while IFS= read -r path; do
        # Without scdoc there are no manual pages.
        [[ -s $PREFIX/$path || ($path == share/man/* && -z $(command -v scdoc)) ]] || { echo "$path is missing" && status=1; }
    done <<<"$EXPECTED"
    return "$status"
}

# Everything in the tree of units, rules and so on is meant for somebody: no file of the build, no header.
nothing_else_is_there() {
    ! (cd "$PREFIX" && find . -type f ! -path './share/doc/*' ! -path './share/man/*' | sed 's|^\./||' | grep -vxF "$EXPECTED")
}

unit_names_program_of() { # PREFIX
    says "ExecStart=$1/bin/cowshed serve" cat "$1/lib/systemd/system/cowshed.service"
}

# A mount namespace that ends with the service leaves images open that no mount of the host knows of: umount succeeds while VMs
# write. These settings make one.
makes_no_mount_namespace() {
    ! grep -nE '^(Private(Tmp|Devices|IPC)|Protect(System|Home|Kernel[A-Za-z]*|ControlGroups|Proc)|ProcSubset|(Temporary|Root|Bind|ReadOnly|ReadWrite|Inaccessible|Exec|NoExec)[A-Za-z]*(Paths|FileSystem|Directory|Image)|MountAPIVFS|DynamicUser)=' \
        "$UNITS/cowshed.service" && grep -qx 'PrivateMounts=no' "$UNITS/cowshed.service"
}

# Of 10, which is no protection at all.
MOST_EXPOSURE=36

check_units_by_systemd() {
    if ! command -v systemd-analyze >/dev/null; then
        skip install.systemd "systemd-analyze is not installed"
        return
    fi
    check "systemd finds no fault in the units" is_silent systemd-analyze --man=no verify "$UNITS/cowshed.service" "$UNITS/cowshed.socket"
    check "systemd rates the service as well protected" systemd-analyze security --offline=true --no-pager \
        --threshold="$MOST_EXPOSURE" "$UNITS/cowshed.service"
    check "it finds one that names no program" refuses "not executable" verify_without_program
    check "systemd-tmpfiles makes the directory of the socket" makes_run_directory
}

is_silent() { # COMMAND...
    local output status=0
    output=$("$@" 2>&1) || status=$?
    [[ -z $output ]] || echo "$output"
    [[ $status == 0 && -z $output ]]
}

verify_without_program() {
    mkdir -p "$WORK/broken"
    sed 's|^ExecStart=.*|ExecStart=/nonexistent/cowshed serve|' "$UNITS/cowshed.service" >"$WORK/broken/cowshed.service"
    cp "$UNITS/cowshed.socket" "$WORK/broken/"
    systemd-analyze --man=no verify "$WORK/broken/cowshed.service"
}

makes_run_directory() {
    mkdir -p "$WORK/root"
    # Only root can give it to root.
    systemd-tmpfiles --root="$WORK/root" --create "$PREFIX/lib/tmpfiles.d/cowshed.conf" || [[ $(id -u) != 0 ]] || return
    [[ $(stat -c %a "$WORK/root/run/cowshed") == 755 ]]
}

check "it installs" install_into "$PREFIX"
check "all that it should is there" all_expected_are_there
check "nothing else is there" nothing_else_is_there
check "the unit names the program where it is" unit_names_program_of "$PREFIX"
check "it installs elsewhere, too" install_into "$WORK/other"
check "and the unit there names that one" unit_names_program_of "$WORK/other"
check "the installed program runs" says "cowshed 0" "$PREFIX/bin/cowshed" --version
check "the service opens nothing through a mount namespace" makes_no_mount_namespace
check_units_by_systemd
exit "$FAILED"
