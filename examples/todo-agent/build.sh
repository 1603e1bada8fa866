#!/usr/bin/env bash
# The manifest's build command: makes the component that is committed. Needs a wasm target:
#   rustup target add wasm32-unknown-unknown
# WITWIRE is the checkout, for a copy of this folder elsewhere.
# CARGO_WASM_FLAGS is handed to cargo (for toolchains that build their own standard library).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# No path of this machine belongs into the component.
remap="--remap-path-prefix=$PWD=todo-agent --remap-path-prefix=$(rustc --print sysroot)=rust"
for crates in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do remap+=" --remap-path-prefix=$crates=crates"; done

# shellcheck disable=SC2086
RUSTFLAGS="${RUSTFLAGS:-} $remap" cargo build --release --target wasm32-unknown-unknown ${CARGO_WASM_FLAGS:-}
cargo run --quiet --manifest-path "${WITWIRE:-../..}/Cargo.toml" -p witwire-test-support --bin componentize -- \
    target/wasm32-unknown-unknown/release/todo_agent.wasm todo-agent.wasm
ls -l todo-agent.wasm
