#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Usage: fuzz_test.sh NAME LIBFUZZER-OPTION...
# Builds one program of tests/fuzz with clang, and nothing else, and lets it search. What it finds stays in the build, and the next run
# begins with that.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
NAME=$1
shift
DIR=$COWSHED_BUILD/fuzz
FOUND=$DIR/fuzz_${NAME}_found

configure() {
    local launcher=()
    ! command -v ccache >/dev/null || launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
    cmake -S "$CHECKOUT/tests/fuzz" -B "$DIR" -G Ninja -DCMAKE_CXX_COMPILER=clang++-14 -DCMAKE_BUILD_TYPE=RelWithDebInfo "${launcher[@]}"
}

{ configure && cmake --build "$DIR" --target "fuzz_$NAME"; } >&2 || die "fuzz_$NAME cannot be built"
# Longer inputs are slower, and those that break a limit are in the corpus.
exec "$DIR/fuzz_$NAME" -max_len=4096 -artifact_prefix="$FOUND/" "$@" "$FOUND" "$CHECKOUT/tests/fuzz/corpus_$NAME"
