# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For tests with programs in Go, built without network from what Debian's packages bring. Sourced after checks.sh, never run.

VARLINK_GO=github.com/varlink/go
VARLINK_GO_SOURCE=/usr/share/gocode/src/$VARLINK_GO

# Ends the test, aloud, where it cannot be made.
need_go() { # TEST
    command -v go >/dev/null && [[ -d $VARLINK_GO_SOURCE ]] && return
    skip "$1" "needs the packages golang-go and golang-github-varlink-go-dev (scripts/install-deps test)"
    exit 0
}

# PACKAGE is a path of imports, or of a directory that begins with a slash.
build_go() { # PACKAGE PROGRAM
    local from=$1
    [[ $from != /* ]] || { cd "$from" && from=.; } || return
    env GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS='' GOPROXY=off CGO_ENABLED=0 GOCACHE="$COWSHED_BUILD/go-cache" go build -o "$2" "$from"
}
