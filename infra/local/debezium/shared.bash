# What fetch, start and stop have in common. Sourced, not run.

# The version of pom.xml, and what its jars must be: the checksum of their checksums.
readonly debezium_version=3.7.0.Final
readonly debezium_jars_sha256=1834defe69da3c417fe0648d09ccdf0e4c2321c003176e92d7c8dff699906431
# Bound of a fetch, in seconds.
readonly fetch_limit=600

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/traveladvisor/debezium
readonly installation=$cache/$debezium_version
# Of what runs: its process number (pid), what it printed (log), its settings, how far it has read. One Connect for each such folder.
readonly run=${DEBEZIUM_RUN:-$cache/run}

# shellcheck source=infra/local/shared.bash
source "$here/../shared.bash"

# The process that was started from here, if it still runs.
running() {
    started "$run" "$installation/" " org.apache.kafka.connect.cli.ConnectStandalone "
}
