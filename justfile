# Every task of the project, by name.

set positional-arguments

# list the tasks
_default:
    @just --list

# format, lints, licences: the quick checks
check:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    .ci/deny

# fix what can be fixed automatically
fix:
    cargo clippy --locked --all-targets --fix --allow-dirty --allow-staged
    cargo fmt

# every test; starts its own PostgreSQL
test *args:
    cargo test --locked "$@"

# the API documentation, warnings denied
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

# the program: just run fetch --symbols IBM
run *args:
    cargo run --release -- "$@"

# no key, no network
demo *args:
    cargo run --release -- demo "$@"

# the figures of docs/performance.md
bench *args:
    cargo bench --locked "$@"

# the panel's figures: frames, then the program in a terminal; a few minutes, on a quiet machine
bench-panel *args:
    cargo bench --locked --bench frame
    cargo bench --locked --bench panel -- "$@"

# what is known of 1,200 series: read from each database, and kept with every answer
bench-coverage *args:
    cargo bench --locked --bench coverage -- "$@"

# a year of 1min bars of 100 symbols, or of as many as are named, into each database, compared with a binary COPY
bench-year *args:
    cargo bench --locked --bench year -- "$@"

# what the bookkeeping of a year of 2,500 daily series takes, or of as many as are named; sqlite or postgres for one database
bench-history *args:
    cargo bench --locked --bench history -- "$@"

# a year of the planner beside list order and round robin, by a virtual clock
simulate-year:
    cargo bench --locked --bench sessions

# N months of four engines by a virtual clock, each from its seed
simulate-months N="1000":
    SIMULATION_SEEDS=$(({{N}} / 2)) cargo test --locked --release --lib -- simulation

# compare with Python and Dagster: parse, sources, store, end-to-end, pages, dagster, or all in a quarter of an hour
bench-peers *args:
    python3 -m venv target/peers-venv
    target/peers-venv/bin/pip install --quiet --disable-pip-version-check -r benches/peers/requirements.txt
    cargo bench --locked --bench peers -- "$@"

# exported Parquet, read back with DuckDB and pandas
readers:
    python3 -m venv target/readers-venv
    target/readers-venv/bin/pip install --quiet --disable-pip-version-check -r tests/readers/requirements.txt
    READERS_VENV="$PWD/target/readers-venv" cargo test --locked --test suite -- export::duckdb

# bytes that a bar takes on disk, of a million of 100 symbols
store-size:
    cargo bench --locked --bench size

# move N bars of a store of the first release, killed five times on the way, on each database
migrate N="1000000":
    MIGRATE_BARS={{N}} cargo test --locked --release --test suite -- contract::migrated --nocapture --test-threads 1

# kill -9 at a random moment, N times on each database
crash N="500":
    CRASH_ROUNDS={{N}} cargo test --locked --release --test faults -- crash:: --nocapture

# faults of all groups at random for N minutes; STORM_SEED repeats them
storm N="60":
    TIMES=1 STORM_SECONDS=$(({{N}} * 60)) cargo test --locked --test faults -- storm:: --nocapture

# every fault, many times, with a soak of three minutes on each database: about ten minutes on two cores
faults:
    #!/usr/bin/env bash
    set -euo pipefail
    SOAK=180 cargo test --locked --test faults -- soak:: --nocapture &
    soak=$!
    trap 'kill $soak 2>/dev/null || true' EXIT
    TIMES=1 CRASH_ROUNDS=100 STEPS=60 STEP=1 CROWD_KILLS=60 PACE_KILLS=100 ENGINE_ROUNDS=30 FROZEN=5 OUTAGES=1,10,60 RESTARTS=20 CUTS=100 TERMINATIONS=100 HOLES=10 FREEZE=10 \
    HOSTILE=10000 HOSTILE_RUNS=200 BAD_PEERS=1000 DISK_CALLS=4 DISK_STEP=5 DISK_DAMAGE=30 DISK_CROWDS=3 \
    STOPS=50 NEWER=21 CLOCK_ZONES=40 RESUMES=20 CUT_STEP=1 CUTS_EACH=40 FUZZ_ROUNDS=1000 \
        cargo test --locked --test faults -- --skip soak:: --nocapture --test-threads 3
    TIMES=1 DEATHS=50 cargo test --locked --test pty -- deaths:: outage:: secrets:: --nocapture
    wait $soak

# the same, very many times: several hours
faults-long:
    TIMES=1 CRASH_ROUNDS=10000 STEPS=200 STEP=1 CROWD_KILLS=2000 PACE_KILLS=1000 ENGINE_ROUNDS=300 FROZEN=100 OUTAGES=1,10,60,600 RESTARTS=500 CUTS=2000 TERMINATIONS=2000 HOLES=500 FREEZE=60 \
    HOSTILE=1000000 HOSTILE_RUNS=5000 BAD_PEERS=10000 DISK_CALLS=50 DISK_STEP=1 DISK_DAMAGE=500 DISK_CROWDS=20 FAULTS_TOTAL_MS=60000 \
    SOAK=3600 STOPS=1000 NEWER=200 CLOCK_ZONES=1000 RESUMES=100 CUT_STEP=1 CUTS_EACH=1000000 FUZZ_ROUNDS=10000 \
        cargo test --locked --release --test faults -- --nocapture
    TIMES=1 DEATHS=500 cargo test --locked --test pty -- deaths:: outage:: secrets:: --nocapture

# N random inputs for parsers, texts and keys; needs nightly Rust and cargo-fuzz
fuzz N="2000000":
    fuzz/run {{N}}

# plant bugs in a copy of the tree; each must fail a test
planted *names:
    tests/planted/run "$@"

# change the pure decisions in every small way, one build each; a test must notice: just mutants --re model/quota
mutants *args:
    SIMULATION_SEEDS=4 cargo mutants --output target "$@"

# each way in which the panel can end, N times in a real terminal; not in release, which cannot inject faults
deaths N="500":
    DEATHS={{N}} cargo test --locked --test pty -- deaths:: --nocapture

# regenerate docs/keys.md and the pictures of the README from the program
pages:
    cargo run -q -- keys --markdown >docs/keys.md
    PICTURES="$PWD/docs/pictures" cargo test --test pty -- pictures::

# accept the changed pictures of the tests, and list them
snap:
    INSTA_UPDATE=always cargo test --lib ui::frame
    git diff --stat src/ui/frame/snapshots

# test the image and the Compose files against the simulated provider
container:
    .ci/container

# the static binary and its Debian package in target/dist, tried in an empty container
package:
    .ci/package

# the whole gate, then the image, and the static binary and Debian package with their parts list and checksums in target/dist
release:
    .ci/run
    .ci/release

# check that two builds of the released binary are the same, byte for byte
reproduce:
    .ci/release --twice
