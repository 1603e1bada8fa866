#!/bin/sh
# Prints a Markdown table: instructions of each side of each case, and how many times witwire takes those of its peers.
#
# usage: benches/callgrind.sh [FACTOR]        FACTOR: so many times as many runs
set -eu

cd "$(dirname "$0")/.."
exec cargo run --release --quiet --package witwire-benches -- instructions "${1:-1}"
