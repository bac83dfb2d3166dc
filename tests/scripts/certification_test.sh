#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The service's server before Varlink's certification client: that of another implementation, Debian's golang-github-varlink-go-dev.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
# shellcheck source=checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"
# shellcheck source=go.sh
. "${BASH_SOURCE[0]%/*}/go.sh"
need_go certification
CLIENT=$VARLINK_GO/cmd/varlink-go-certification
DEFINITION=$VARLINK_GO_SOURCE/cmd/varlink-go-certification/orgvarlinkcertification/org.varlink.certification.varlink

start_service() {
    "$COWSHED_BUILD/bin/certification_service" "$WORK/socket" "$DEFINITION" &
    SERVICE=$!
    trap 'kill "$SERVICE" 2>/dev/null; rm -rf "$WORK"' EXIT
    local i
    for ((i = 0; i < 100; i++)); do
        [[ ! -S $WORK/socket ]] || return 0
        sleep 0.1
    done
    return 1
}

# The client's own status is 0 whatever it was answered: its last line tells.
passes() {
    timeout 60 "$WORK/client" -client -varlink "unix:$WORK/socket" >"$WORK/said"
    cat "$WORK/said"
    [[ $(tail -n 1 "$WORK/said") == "End: 'true'" ]]
}

many_pass_at_once() {
    local i clients=()
    for ((i = 0; i < 16; i++)); do
        timeout 60 "$WORK/client" -client -varlink "unix:$WORK/socket" >"$WORK/said.$i" &
        clients+=($!)
    done
    wait "${clients[@]}"
    [[ $(cat "$WORK"/said.* | grep -cxF "End: 'true'") == 16 ]]
}

ends_when_told() { kill "$SERVICE" && wait "$SERVICE"; }

check "the certification client is built" build_go "$CLIENT" "$WORK/client"
start_service || die "the service does not listen"
check "the server passes Varlink's certification" passes
check "as often as it is asked" passes
check "with 16 clients at once" many_pass_at_once
check "it ends when it is told to" ends_when_told
exit "$FAILED"
