# One recipe for each habit; `just` alone lists them.

set shell := ["bash", "-euo", "pipefail", "-c"]

# Lists the recipes.
default:
    @just --list --unsorted

# Formatting, lints and dependencies, as CI judges them.
check: fmt-check lint deny

# All tests; needed beside Rust: C and C++ compilers, make, and for Kafka and Debezium Java 17 and Maven (the first time 83 MB are fetched).
test *ARGS:
    cargo test --workspace {{ARGS}}

# Books five trips from an empty directory on, and checks them against the log.
demo *ARGS:
    cargo run -- demo {{ARGS}}

# Writes what is generated: the GraphQL schema, the page of its error codes, the description of the bus, and the page at /graphql.
generate: page
    cargo run --quiet -- schema > api/schema.graphql.new
    mv api/schema.graphql.new api/schema.graphql
    cargo run --quiet -- schema --errors > docs/errors.md.new
    mv docs/errors.md.new docs/errors.md
    cargo run --quiet -- schema --bus > api/asyncapi.yaml.new
    mv api/asyncapi.yaml.new api/asyncapi.yaml

# Bundles the page at /graphql from its sources, as package-lock.json has them (needs Node 20 or later; building the program does not).
page *ARGS:
    cd api/graphiql && npm ci --no-audit --no-fund --loglevel=error && node build.mjs {{ARGS}}

# Fails when what is generated differs from what the repository holds.
drift:
    cargo run --quiet -- schema | diff --unified --label api/schema.graphql --label generated api/schema.graphql -
    cargo run --quiet -- schema --errors | diff --unified --label docs/errors.md --label generated docs/errors.md -
    cargo run --quiet -- schema --bus | diff --unified --label api/asyncapi.yaml --label generated api/asyncapi.yaml -

# Lets the public test suites judge the program; needs Node, npm, Python and Chromium. `just conformance graphql-http` asks one judge alone,
# SCHEMATHESIS_SECONDS=600 lets schemathesis search longer.
conformance *ARGS:
    cargo build --quiet
    tests/conformance/run {{ARGS}}

# Formats the code.
fmt:
    cargo fmt --all

# Fails when code is not formatted.
fmt-check:
    cargo fmt --all --check

# Lints of all targets; a warning fails.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Licences, versions and sources of dependencies (needs cargo-deny 0.18 or later).
deny:
    cargo deny check bans licenses sources

# All that a change must pass.
ci:
    .ci/run

# All tests and the long ones: rounds of chaos, kills, tails and the last room ten times, unless CHAOS says otherwise. Chaos in processes
# alone: `just chaos --test end_to_end chaos::`; CHAOS_SEED draws another plan.
chaos *ARGS:
    CHAOS=${CHAOS:-10} cargo test --workspace {{ARGS}} -- --include-ignored --skip keycloak::

# Access by tokens of a real identity provider: starts Keycloak for its tests (Java 17, Maven, unzip; the first time it fetches 177 MB).
identity *ARGS:
    infra/local/keycloak/with cargo test --workspace --test end_to_end {{ARGS}} -- --ignored keycloak::

# Starts Kafka and two processes of each role, books trips on them, lets some fail, cancels others, judges, and ends everything (Java 17,
# Maven, Python 3). `just cluster 60` books sixty.
cluster TRIPS="24":
    cargo build --quiet
    infra/local/cluster/with infra/local/cluster/book {{TRIPS}}

# Every order of everything that can happen to a trip, with more trouble than the test command has: `EXPLORE=2 just explore` for still more.
explore:
    cargo test --release -p traveladvisor-domain --lib -- --ignored explorer

# Sends every request of the abuse matrix twenty times and tells how long its refusal takes, and what the process has grown by.
abuse:
    cargo test --release -p traveladvisor-api --lib -- --ignored --nocapture abuse::

# Measures beside the floor and the peers: `just bench engine --quick`, also hot, trips, growth, rebuild, http, cluster.
bench +ARGS:
    cargo run --release -p traveladvisor-bench -- {{ARGS}}
