#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The house of CONTRIBUTING.md: a folder of src/ includes only from floors below it, and rooms on one floor do not know each other.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit

declare -A FLOOR=([base]=0 [varlink]=1 [dm]=1 [loop]=1 [io]=1 [cow]=1 [layers]=2 [pools]=3 [app]=4 [api]=5 [service]=6 [cli]=6)
status=0

while IFS=: read -r file line include; do
    from=${file#src/} from=${from%%/*}
    # The roof knows all floors.
    [[ $from != main.cc ]] || continue
    to=${include#*\"} to=${to%%/*}
    [[ $from != "$to" && -n ${FLOOR[$to]:-} ]] || continue
    if [[ -z ${FLOOR[$from]:-} ]] || ((FLOOR[$to] >= FLOOR[$from])); then
        echo "FAIL $file:$line includes $to/, which is not below $from/"
        status=1
    fi
done < <(grep -RnoE '^#include "[a-z]+/' src)

((status == 0)) && echo "ok   every include goes down a floor"
exit "$status"
