# What start, stop, token and with have in common. Sourced, not run.

# The version that the realm file and the tests were tried with, and what its archive must be.
readonly keycloak_version=26.7.3
readonly keycloak_archive_sha256=27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f

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

# shellcheck source=infra/local/shared.bash
source "$here/../shared.bash"

# The process that was started from here, if it still runs.
running() {
    started "$run" "$installation/" "bin/kc.sh "
}

# field NAME: a text of the flat JSON object on standard input.
field() {
    sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"
}
