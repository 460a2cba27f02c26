# What fetch, start, stop and with have in common. Sourced, not run.

# The version of pom.xml, and what its jars must be: the checksum of their checksums.
readonly kafka_version=4.3.1
readonly kafka_jars_sha256=9b241538730d32e890117f2362eee3ff6ed60f753d73e6a46652b547a64df32f
# Bound of a fetch, in seconds.
readonly fetch_limit=600

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/traveladvisor/kafka
readonly installation=$cache/$kafka_version
# Of what runs: its process number (pid), what it printed (log), its ports, its data. One broker for each such folder.
readonly run=${KAFKA_RUN:-$cache/run}

# shellcheck source=infra/local/shared.bash
source "$here/../shared.bash"

# The process that was started from here, if it still runs.
running() {
    started "$run" "$installation/" " kafka.Kafka "
}
