# What start, stop, token and with have in common. Sourced, not run.

# The version that the realm file and the tests were tried with, and what its archive must be.
readonly keycloak_version=26.7.3
readonly keycloak_archive_sha256=27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f
readonly java_version_min=17

readonly audience=traveladvisor-api
readonly realm=traveladvisor
readonly admin_name=admin
readonly admin_password=admin-development-password

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/traveladvisor/keycloak
readonly installation=$cache/$keycloak_version
# Of what runs: its process number (pid), what it printed (log), its address (url). One Keycloak for each such folder.
readonly run=${KEYCLOAK_RUN:-$cache/run}

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$(basename "$0"): $*"
    exit 1
}

# need PROGRAM HOW: ends with a sentence when a program is missing.
need() {
    command -v "$1" >/dev/null || fail "$1 is missing: $2"
}

# The process that was started from here, if it still runs. Another one that has its number by now is not ours.
running() {
    local pid
    pid=$(cat "$run/pid" 2>/dev/null) && [[ $(ps -o args= -p "$pid" 2>/dev/null) == *"$installation/bin/kc.sh "* ]] && printf '%s' "$pid"
}

# field NAME: a text of the flat JSON object on standard input.
field() {
    sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"
}
