#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The example of a driver, built against the installed headers alone as its writer would, and added as a pool.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"

. "${BASH_SOURCE[0]%/*}/checks.sh"

cowshed() { "$COWSHED_BUILD/bin/cowshed" --state "$WORK/state" "$@"; }

only_headers_and_package_files() {
    ! find "$WORK/prefix" -type f ! -name '*.h' ! -name 'cowshedConfig*.cmake' ! -name cowshed.pc | grep .
}

builds_by_pkg_config() {
    local flags
    flags=$(PKG_CONFIG_PATH=$WORK/prefix/share/pkgconfig pkg-config --cflags cowshed) || return
    # shellcheck disable=SC2086
    "$(compiler)" -shared -fPIC $flags -o "$WORK/by-pkg-config.so" "$WORK/mine/copies.cc" || return
    chmod go-w "$WORK/by-pkg-config.so"
    cowshed pool add other --plugin "$WORK/by-pkg-config.so" -o dir_path="$WORK/other" && cowshed pool remove other
}

main() {
    check "headers install by themselves" cmake --install "$COWSHED_BUILD" --component devel --prefix "$WORK/prefix"
    check "nothing else does" only_headers_and_package_files
    cp -r "$CHECKOUT/examples/driver" "$WORK/mine"
    check "the example configures" cmake -S "$WORK/mine" -B "$WORK/build" -DCMAKE_PREFIX_PATH="$WORK/prefix" \
        -DCMAKE_CXX_COMPILER="$(compiler)"
    check "the example builds" cmake --build "$WORK/build"
    chmod go-w "$WORK/build/copies.so"
    check "with what pkg-config says it builds as well" builds_by_pkg_config
    check "a pool of it is added" cowshed pool add mine --plugin "$WORK/build/copies.so" -o dir_path="$WORK/pool"
    check "pool info names the driver" says "driver: copies" cowshed pool info mine
    check "pool info names the file" says "plugin: $WORK/build/copies.so" cowshed pool info mine
    check "a VM is created in it" cowshed vm create work --standalone -P mine --size root=1M --size private=1M
    check "its volume is there" test -s "$WORK/pool/vms/work/root"
    check "what it cannot do is refused" refuses "driver 'copies'" cowshed volume revert work:root
    check "a pool in use is not removed" refuses "work:root" cowshed pool remove mine
    mv "$WORK/build/copies.so" "$WORK/build/away.so"
    check "without the file the other pools are shown" says varlib cowshed pool list
    check "and what is wrong is said" refuses "$WORK/build/copies.so" cowshed pool list
    mv "$WORK/build/away.so" "$WORK/build/copies.so"
    check "the VM is removed" cowshed vm remove work
    check "the pool is removed" cowshed pool remove mine
    check "it leaves nothing" test ! -e "$WORK/pool"
    check "a parameter it does not have is refused" refuses "parameter 'x' is unknown" \
        cowshed pool add mine --plugin "$WORK/build/copies.so" -o dir_path="$WORK/pool" -o x=1
    check "one that crashes is refused" refuses "crashes" \
        cowshed pool add mine --plugin "$COWSHED_BUILD/bin/bad_aborts.so" -o dir_path="$WORK/pool"
    check "a relative path is understood" bash -c "cd '$WORK/build' && '$COWSHED_BUILD/bin/cowshed' --state '$WORK/state' \
        pool add mine --plugin copies.so -o dir_path='$WORK/pool'"
    return "$FAILED"
}

# The one that built cowshed.
compiler() { sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$COWSHED_BUILD/CMakeCache.txt"; }

main
