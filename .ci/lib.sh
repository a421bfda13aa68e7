# Functions that `.ci/run` and `.ci/full` share. Source it at the top of the repository.

export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0 INSTA_UPDATE=no
# Steps refer to programs in `target`.
unset CARGO_TARGET_DIR

# needs PROGRAM...: ends the run if a program is missing.
needs() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || { echo "$program is missing: install it" >&2; exit 1; }
    done
}

step() { printf '\n==> %s (%s s)\n' "$*" "$SECONDS"; }

skipped() { printf 'SKIPPED: %s\n' "$*"; }

# debian PROGRAM PACKAGE: installs a missing program where apt-get can; the step that needs it reports if it is missing.
debian() {
    command -v "$1" >/dev/null && return
    { apt-get update -qq && apt-get install -qq --yes "$2"; } >/dev/null 2>&1 || true
}

# install CRATE VERSION: installs a cargo subcommand, unless this version is installed.
install() {
    [[ "$(cargo "${1#cargo-}" --version 2>/dev/null || true)" == *"$2"* ]] || cargo install "$1" --version "$2" --locked
}

with_service() { snapshots/providers/with-service.sh "$@"; }
