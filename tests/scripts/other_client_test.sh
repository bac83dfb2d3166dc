#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A client that another implementation of Varlink is under (tests/go/cowshed-client) uses the service on a real device-mapper, in a VM.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
# shellcheck source=checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"
# shellcheck source=go.sh
. "${BASH_SOURCE[0]%/*}/go.sh"
need_go other_client

check "a client in Go is built" build_go "$CHECKOUT/tests/go/cowshed-client" "$WORK/cowshed-client"
[[ $FAILED == 0 ]] || exit 1
"$CHECKOUT/scripts/vm" --timeout 300 -- bash "$CHECKOUT/tests/scripts/other_client_guest.sh" "$WORK/cowshed-client" || FAILED=1
exit "$FAILED"
