# What start, stop, book and with have in common. Sourced, not run.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly top=$here/../../..
# Of what runs: settings, data of Postgres and Kafka, and of each process its number and what it printed. One cluster for each such folder.
readonly run=${CLUSTER_RUN:-${XDG_CACHE_HOME:-$HOME/.cache}/traveladvisor/cluster}
readonly program=${CLUSTER_PROGRAM:-${CARGO_TARGET_DIR:-$top/target}/debug/traveladvisor}
export KAFKA_RUN=$run/kafka

# shellcheck source=infra/local/shared.bash
source "$here/../shared.bash"

# What the program is started with: nothing of what the environment says of another installation.
clean=(env -u DATABASE_URL)
for name in $(compgen -e TRAVELADVISOR_); do clean+=(-u "$name"); done

with_settings() {
    "${clean[@]}" "$program" "$@" --config "$run/traveladvisor.toml"
}

# The processes that were started from here and still run, a number a line. Another one that has a number by now is not ours.
running() {
    local file pid
    for file in "$run"/*.pid; do
        pid=$(cat "$file" 2>/dev/null) || continue
        [[ $(ps -o args= -p "$pid" 2>/dev/null) == *" serve "*"$run/traveladvisor.toml"* ]] && printf '%s\n' "$pid"
    done
    return 0
}
