#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The examples that are scripts do what their README says. Those that need devices run in a VM (examples_guest.sh); the driver is
# tested by plugin_test.sh.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
# shellcheck source=checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"
HOOK=$CHECKOUT/examples/libvirt-hook/cowshed

# --- The hook, with a stand-in for cowshed that writes down how it was called --------------------------------------------------------

make_stand_in() {
    mkdir -p "$WORK/bin" && cat >"$WORK/bin/cowshed" <<'TEXT'
#!/bin/sh
case "$*" in
"--json vm info work") echo '{"name":"work"}' ;;
"--json vm info a domain") echo '{"error":{"kind":"invalid_argument","message":"no name","errno":null}}' >&2; exit 1 ;;
"--json vm info broken") echo '{"error":{"kind":"permission","message":"is not to be read","errno":13}}' >&2; exit 1 ;;
"--json vm info "*) echo '{"error":{"kind":"not_found","message":"there is no vm","errno":null}}' >&2; exit 1 ;;
"vm start work") echo "$*" >>"$CALLS"; echo "work:root /run/cowshed/dev/work/root rw"; [ ! -e "$CALLS.fails" ] || { echo "no space" >&2; exit 1; } ;;
*) echo "$*" >>"$CALLS" ;;
esac
TEXT
    chmod +x "$WORK/bin/cowshed"
}

# As libvirt calls it. Prints what cowshed was told, one call a line.
hook() { # DOMAIN OPERATION SUB-OPERATION EXTRA
    local status=0
    : >"$WORK/calls"
    echo "<domain type='kvm'><name>$1</name></domain>" |
        CALLS=$WORK/calls PATH=$WORK/bin:$PATH "$HOOK" "$@" >"$WORK/stdout" 2>"$WORK/stderr" || status=$?
    cat "$WORK/calls"
    return "$status"
}

leaves_alone_what_is_none_of_its() {
    local operation
    for operation in "prepare begin -" "start begin -" "started begin -" "stopped end -" "release end -" "reconnect begin -"; do
        # shellcheck disable=SC2086
        prints "" hook "$1" $operation || return
        [[ ! -s $WORK/stderr ]] || return
    done
}

does_nothing_else() {
    local operation
    for operation in "start begin -" "started begin -" "stopped end failed" "reconnect begin -" "attach begin -" "migrate begin -"; do
        # shellcheck disable=SC2086
        prints "" hook work $operation || return
    done
}

refuses_to_start() { # DOMAIN TEXT
    ! hook "$1" prepare begin - && grep -F "$2" "$WORK/stderr"
}

check_hook() {
    check "before a domain starts, its disks are" prints "vm start work" hook work prepare begin -
    check "what the hook prints would be taken for XML: nothing" test ! -s "$WORK/stdout"
    check "after it has ended, they stop" prints "vm stop work" hook work release end -
    check "at other times nothing is done" does_nothing_else
    check "a domain that is no VM is left alone" leaves_alone_what_is_none_of_its other
    check "as is one whose name no VM can have" leaves_alone_what_is_none_of_its "a domain"
    touch "$WORK/calls.fails"
    check "without its disks a domain does not start" refuses_to_start work "no space"
    check "nor where it is not to be known whether it is one" refuses_to_start broken "is not to be read"
    check "a hook for anything else is passed over" prints "" hook work
}

# --- In a VM -----------------------------------------------------------------------------------------------------------------

# The boot sector, with the two sectors that it reads behind it.
make_guest() {
    as --32 -o "$WORK/guest.o" "$CHECKOUT/tests/scripts/guest.S" &&
        ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o "$WORK/guest.img" "$WORK/guest.o" &&
        truncate -s 1M "$WORK/guest.img" && put_text 1 "what was committed" && put_text 2 "what a guest wrote"
}

put_text() { printf '%s\n\0' "$2" | dd of="$WORK/guest.img" bs=512 seek="$1" conv=notrunc status=none; } # SECTOR TEXT

check "a stand-in is made" make_stand_in
check_hook
check "a guest is made" make_guest
"$CHECKOUT/scripts/vm" --timeout 300 -- bash "$CHECKOUT/tests/scripts/examples_guest.sh" "$WORK/guest.img" || FAILED=1
exit "$FAILED"
