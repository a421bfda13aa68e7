# Functions that `.ci/run`, `.ci/background` and `.ci/full` share. Source it at the top of the repository.

export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0 INSTA_UPDATE=no
# Steps refer to programs in `target`.
unset CARGO_TARGET_DIR

# The time from which steps count, also those in the background.
export STARTED="${STARTED:-$EPOCHSECONDS}"

# needs PROGRAM...: ends the run if a program is missing.
needs() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || { echo "$program is missing: install it" >&2; exit 1; }
    done
}

step() {
    # A failure in the background ends the run.
    if [[ -n "${background-}" ]] && ! kill -0 "$background" 2>/dev/null; then
        wait "$background" || exit
    fi
    printf '\n==> %s (%s s)\n' "$*" "$((EPOCHSECONDS - STARTED))"
}

skipped() { printf 'SKIPPED: %s\n' "$*"; }

# with_summary PROGRAM: runs a program, and prints the lines again in which it says what it has skipped.
with_summary() {
    local log status=0
    log="$(mktemp)"
    SUMMARIZED=yes "$1" 2>&1 | tee "$log" || status=$?
    # These tests have steps of their own.
    if grep '^SKIPPED: ' "$log" | grep -v 'are run by staging/run$\|is started by examples/apis/run$\|by pip-services/tests/generation4/run$\|by examples/users-facade/run$' | sort -u >"$log.skipped"; then
        printf '\n==> skipped on this machine\n'
        cat "$log.skipped"
    fi
    rm -f "$log" "$log.skipped"
    return "$status"
}

# debian PROGRAM PACKAGE: installs a missing program where apt-get can; the step that needs it reports if it is missing.
# Packages of servers would start them as services of the system, unless a policy forbids it.
debian() (
    PATH="$PATH:/usr/sbin:/sbin"
    command -v "$1" >/dev/null && exit
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]] && { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"; } 2>/dev/null; then
        trap 'rm -f "$policy"' EXIT
        trap 'exit 1' INT TERM
    fi
    { apt-get update -qq && apt-get install -qq --yes "$2"; } >/dev/null 2>&1 || true
)

# install CRATE VERSION: installs a cargo subcommand, unless this version is installed. Optimized builds would take longer
# than they save.
install() {
    [[ "$(cargo "${1#cargo-}" --version 2>/dev/null || true)" == *"$2"* ]] ||
        CARGO_PROFILE_DEV_DEBUG=false cargo install "$1" --version "$2" --locked --debug
}

# all_referenced FILE: fails if a test run that wrote the snapshots it used to FILE has not used all of them. Those of
# `staging` are used by `staging/run`.
all_referenced() {
    local unused
    unused="$(comm -23 <(git ls-files '*.snap' ':!staging' | xargs realpath | sort) <(sort -u "$1" | xargs realpath | sort -u))"
    [[ -z "$unused" ]] || { printf 'no test refers to these snapshots:\n%s\n' "$unused" >&2; return 1; }
}

# in_background PROGRAM: starts a program that runs next to the steps that follow. If a step fails, the program is ended and
# its output printed.
in_background() {
    background_log="$(mktemp)"
    # As a job, it has a process group of its own, so that the programs that it starts are ended too.
    set -m
    "$1" >"$background_log" 2>&1 &
    background=$!
    set +m
    trap 'kill -- "-$background" 2>/dev/null || true; finish_background || true' EXIT
}

# finish_background: waits for the program in the background, and prints its output. Fails if the program has failed.
finish_background() {
    local status=0
    trap - EXIT
    wait "$background" || status=$?
    background=
    cat "$background_log"
    rm -f "$background_log"
    return "$status"
}

# Runs a command next to an embedded service. `cargo test --all-features` has built the program.
embedded() { target/debug/examples/with_embedded_service "$@"; }

with_service() { snapshots/providers/with-service.sh "$@"; }
