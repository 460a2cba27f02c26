# What the scripts of this folder have in common. Sourced, not run.

# What Kafka and Keycloak need.
readonly java_version_min=17

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$(basename "$0"): $*"
    exit 1
}

# need PROGRAM HOW: ends with a sentence when a program is missing.
need() {
    command -v "$1" >/dev/null || fail "$1 is missing: $2"
}

# Ends with a sentence when there is no Java that is new enough.
need_java() {
    [[ -n ${JAVA_HOME:-} && -x $JAVA_HOME/bin/java ]] && PATH=$JAVA_HOME/bin:$PATH
    need java "apt-get install openjdk-17-jre-headless, or set JAVA_HOME"
    local version
    version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
    ((${version:-0} >= java_version_min)) ||
        fail "Java ${version:-of this kind} is too old, $java_version_min or later is needed: apt-get install openjdk-17-jre-headless, or set JAVA_HOME"
}

# started FOLDER PART PART: the process whose number stands in FOLDER/pid, if it still runs and its arguments have these parts in this order. Another
# one that has its number by now is not ours.
started() {
    local pid
    pid=$(cat "$1/pid" 2>/dev/null) && [[ $(ps -o args= -p "$pid" 2>/dev/null) == *"$2"*"$3"* ]] && printf '%s' "$pid"
}
