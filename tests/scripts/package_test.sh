#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The Debian packages: what is in them, and that they install, upgrade and go on a small Debian system, booted by systemd in a VM
# (package_guest.sh).
set -u
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
# shellcheck source=checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"
HERE=$(dirname "${BASH_SOURCE[0]}")

# With a umask that others' files would suffer from.
make_packages() {
    (umask 077 && cpack -G DEB --config "$COWSHED_BUILD/CPackConfig.cmake" -B "$WORK/made") &&
        mv "$WORK"/made/cowshed_*.deb "$WORK/cowshed.deb" && mv "$WORK"/made/cowshed-dev_*.deb "$WORK/cowshed-dev.deb"
}

field() { dpkg-deb --field "$WORK/cowshed.deb" "$1"; } # NAME

# The same again, as the next version.
make_newer_package() {
    dpkg-deb -R "$WORK/cowshed.deb" "$WORK/newer" &&
        sed -i "s/^Version: .*/&+newer/" "$WORK/newer/DEBIAN/control" &&
        dpkg-deb --root-owner-group -Znone -b "$WORK/newer" "$WORK/newer.deb"
}

depends_on_what_it_is_linked_with() {
    local library status=0
    for library in libc6 libstdc++6 libfmt9 liburing2; do
        field Depends | grep -q "$library (>= " || { echo "not on $library" && status=1; }
    done
    return "$status"
}

holds() { # PATH...
    local path status=0
    for path; do
        dpkg-deb --fsys-tarfile "$WORK/cowshed.deb" | tar -t | grep -qxF "./$path" || { echo "no $path" && status=1; }
    done
    return "$status"
}

all_belongs_to_root() { ! dpkg-deb -c "$1" | awk '$2 != "root/root"' | grep .; } # PACKAGE
everybody_may_read_and_only_root_write() { ! dpkg-deb -c "$1" | grep -vE '^(drwxr-xr-x|-rw[x-]r-[x-]r-[x-]) '; } # PACKAGE

is_executable() { # DOCUMENT...
    local path
    for path; do dpkg-deb -c "$WORK/cowshed.deb" | grep "^-rwxr-xr-x .* ./usr/share/doc/cowshed/$path$" || return; done
}

has_no_configuration_files() { ! dpkg-deb --info "$WORK/cowshed.deb" conffiles 2>/dev/null; }

check_content() {
    check "its version is the program's" prints "cowshed $(field Version)" "$COWSHED_BUILD/bin/cowshed" --version
    check "its name is cowshed" prints cowshed field Package
    check "it depends on the libraries that the program is linked with" depends_on_what_it_is_linked_with
    check "it holds program, units, rules and completion" holds usr/bin/cowshed usr/lib/systemd/system/cowshed.socket \
        usr/lib/systemd/system/cowshed.service usr/lib/tmpfiles.d/cowshed.conf usr/lib/udev/rules.d/05-cowshed.rules \
        usr/share/bash-completion/completions/cowshed usr/share/cowshed/vm.schema.json
    check "it holds manual, licence and changes, as Debian wants them" holds usr/share/man/man1/cowshed.1.gz \
        usr/share/man/man5/cowshed.json.5.gz usr/share/doc/cowshed/copyright usr/share/doc/cowshed/changelog.gz
    check "it holds no headers" fails holds usr/include/cowshed/pools/plugin.h
    check "all of it is root's" all_belongs_to_root "$WORK/cowshed.deb"
    check "everybody may read it and nobody else write" everybody_may_read_and_only_root_write "$WORK/cowshed.deb"
    check "the examples can be run" is_executable examples/libvirt-hook/cowshed examples/qemu-vm/throwaway
    check "it has no configuration files" has_no_configuration_files
}

has_headers() { dpkg-deb -c "$WORK/cowshed-dev.deb" | grep -q './usr/include/cowshed/pools/plugin.h$'; }

check_by_lintian() {
    if command -v lintian >/dev/null; then
        check "lintian finds no error" lintian --fail-on error "$WORK/cowshed.deb" "$WORK/cowshed-dev.deb"
    else
        skip package.lintian "lintian is not installed"
    fi
}

check_on_a_system() {
    local root
    if ! root=$("$HERE/package-root"); then
        skip package.install "there is no system to install it on"
        return
    fi
    check "a newer one is made" make_newer_package
    "$CHECKOUT/scripts/vm" --timeout 400 -- bash "$CHECKOUT/tests/scripts/package_guest.sh" \
        "$root" "$WORK/cowshed.deb" "$WORK/newer.deb" "$CHECKOUT" || FAILED=1
}

check "the packages are made" make_packages
((FAILED == 0)) || exit 1
check_content
check "headers are in a package of their own" has_headers
check_by_lintian
check_on_a_system
exit "$FAILED"
