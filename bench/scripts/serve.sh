# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# The baselines of the start/stop benchmark are shells that stay: each reads requests, a word and a number a line, and answers
# each with one line. So what is measured is the programs that a script has to call, not the start of a shell, which a script
# that is run for every VM pays on top.
#
#   set_up | tear_down | start SLOT | stop SLOT     ok [DEVICE], missing WHY, failed
#
# Environment: DIRECTORY (for cow files and the log), IMAGE (the template's root), RAW_DEVICE (an empty block device).

# For a request to say which device the VM gets, or that this machine lacks what the tool needs.
gives() { answer="ok $1"; }
misses() { answer="missing $1" && return 1; }

# What the programs said is of interest only now.
failed() { # REQUEST
    answer=failed
    sed "s/^/$1: /" "$DIRECTORY/log" >&2
}

serve() {
    while read -r request slot; do
        answer=ok
        "$request" "$slot" >"$DIRECTORY/log" 2>&1 || case $answer in ok*) failed "$request" ;; esac
        echo "$answer"
    done
}
