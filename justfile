# Daily recipes. `./test` makes a machine ready and runs
# fmt-check lint build test e2e; `./demo` shows it all.
#
# Layers, each knowing only those below it:
#
#   dist/               packages of all but tests/
#   tests/              end to end: real engine, image, PAM, opencode; a package of its own
#   host-cli/ (occ)     the server's side     ─┐ meet only in accounts::wire
#   init/ (occ-init)    the container's side  ─┤ and in the image
#   gate/ (occ-gate)    the login in it       ─┤
#   image/              Dockerfile and base   ─┘
#   accounts/           the model: pure, no files, clocks or processes
#
# bench/ is what the benchmarks of these share; lint/ holds rules that clippy has not.

set shell := ["bash", "-euo", "pipefail", "-c"]

occ_init := justfile_directory() / "target/static/occ-init"
occ_gate := justfile_directory() / "target/release/occ-gate"
# The end-to-end tests, on the programs that `build` leaves, as many at a time as have
# containers (tests/harness/slots.rs)
e2e := "RUST_TEST_THREADS=4 cargo test --locked -p occ-tests --features e2e --test e2e"
typos := env("XDG_CACHE_HOME", env("HOME", "/root") / ".cache") / "occ/typos"
scripts := "demo test .ci/run .ci/coverage bench/run gate/vendor/xterm/fetch init/build-static image/base image/build image/fetch image/machine image/occ-opencode tests/images/doors/serve.sh tests/images/doors/knock.sh dist/build dist/check dist/deb dist/image dist/make dist/sbom dist/tarball"

# List the recipes
default:
    @just --list

# Format the Rust code
fmt:
    cargo fmt --all

# Check the format
fmt-check:
    cargo fmt --all --check

# Clippy and rustdoc for everything, the rules of this house (lint/), shellcheck for the scripts
lint:
    cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
    cargo run --quiet --locked -p occ-lint
    RUSTDOCFLAGS='-D warnings' cargo doc --quiet --locked --no-deps --document-private-items --workspace
    shellcheck -x {{ scripts }}

# The static occ-init
static:
    init/build-static

# The static occ-init for arm64, which the end-to-end tests run by qemu
arm64:
    init/build-static arm64

# The login, as it is shipped
gate:
    cargo build --locked --release -p occ-gate

# All programs, as they are shipped
build: static gate
    cargo build --locked --release -p occ

# Unit, property, golden and process tests; each fuzz target for 20 s. Most wait for programs
# that they start, so there are two at a time for each processor
test:
    RUST_TEST_THREADS=$((2 * $(nproc))) FUZZ_SECONDS=20 FUZZ_FIRST_SEED=1 cargo test --locked --workspace

# Take over what tests compare with whole: help, errors, plans. Look at the diff
bless: build
    BLESS=1 cargo test --locked -p occ-accounts --test golden
    UPDATE_EXPECT=1 cargo test --locked -p occ --bin occ --test golden
    UPDATE_EXPECT=1 cargo test --locked -p occ-init --test accounts golden
    UPDATE_EXPECT=1 {{ e2e }} -- docs::texts::
    UPDATE_EXPECT=1 cargo test --locked -p occ-lint --test documents

# Take the pictures of the docs anew. Look at them
pictures: build
    {{ e2e }} -- login::browser::
    cp target/screens/terminal-alice.png docs/pictures/opencode.png
    cargo test --locked -p occ-gate --test web -- looks::
    for name in login-390-light first-account-390-light renewal-390-light bar-390-light terminal-1280-light did-not-start-390-light section-opencode section-sessions section-passkeys section-tokens section-second; do cp "target/screens/$name.png" docs/pictures/; done

# Each fuzz target for longer; FUZZ_SEED repeats a failure
fuzz seconds="300":
    FUZZ_SECONDS={{ seconds }} cargo test --locked --release -p occ-accounts --test fuzz
    FUZZ_SECONDS={{ seconds }} cargo test --locked -p occ-gate --test monitor -- fuzz::

# End-to-end tests; they need a container engine
e2e: build arm64
    {{ e2e }}

# The folders of them that run on any engine, on another one: HOST is as for DOCKER_HOST
e2e-on host *tests="accounts:: engine::": build
    DOCKER_HOST={{ host }} {{ e2e }} -- {{ tests }}

# Speed and size beside others, as root, into docs/benchmarks.md: `just bench [restore|pid1|host|gate] [--check]`
bench *args: build
    bench/run {{ args }}

# The image occ:local
image: static gate
    image/build {{ occ_init }} {{ occ_gate }}

# The packages of a release, in target/dist (docs/releasing.md)
dist:
    dist/make

# Two clones give the same packages
dist-check:
    dist/check

# Licences and sources of the dependencies, and advisories; gets cargo-deny if it is missing
deny:
    command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
    cargo deny check

# clippy's incompatible_msrv looks at our own code at every lint; this at all crates
# The programs build with the oldest compiler that Cargo.toml names
msrv:
    oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml); \
    rustup toolchain install --profile minimal "$oldest" && cargo "+$oldest" check --locked -p occ -p occ-init -p occ-gate

# Spelling; gets typos if it is missing
typos:
    command -v typos >/dev/null || pip install --quiet --target "{{ typos }}" typos==1.52.0
    PATH="$PATH:{{ typos }}/bin" typos

# Lines of accounts, init and gate that their tests run, and target/coverage/index.html: `just coverage [TEST…]`
coverage *tests:
    .ci/coverage {{ tests }}
