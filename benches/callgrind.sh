#!/bin/sh
# Prints a Markdown table: instructions of each side of each case, and how many times witwire takes those of its peers.
#
# Each side is run N and 2N times under callgrind; the difference, divided by N, is one run without set-up and warm-up.
# usage: benches/callgrind.sh [N]        N: 5 unless given
set -eu

runs=${1:-5}
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo "valgrind is needed" >&2; exit 1; }

# callgrind knows no instructions newer than AVX2; no flags are set, so that the build is the one that users have.
cargo build --release --quiet --package witwire-benches --bin witwire-benches
runner=${CARGO_TARGET_DIR:-target}/release/witwire-benches

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

instructions() { # CASE SIDE COUNT
    valgrind --tool=callgrind --callgrind-out-file="$scratch/out" "$runner" "$1" "$2" "$3" </dev/null 2>"$scratch/err" ||
        { cat "$scratch/err" >&2; exit 1; }
    awk '$1 == "totals:" || $1 == "summary:" { print $2; exit }' "$scratch/out"
}

"$runner" >"$scratch/sides"
tab=$(printf '\t')
echo "| case | side | instructions per run | witwire takes |"
echo "|---|---|---:|---:|"
while IFS=$tab read -r case side; do
    once=$(instructions "$case" "$side" "$runs")
    twice=$(instructions "$case" "$side" $((2 * runs)))
    each=$(((twice - once) / runs))
    [ "$side" = witwire ] && own=$each
    awk -v name="$case" -v side="$side" -v each="$each" -v own="$own" 'BEGIN {
        amount = each >= 1e6 ? sprintf("%.2f M", each / 1e6) : sprintf("%.1f k", each / 1e3)
        ratio = side == "witwire" ? "" : sprintf("%.2f ×", own / each)
        printf "| %s | %s | %s | %s |\n", name, side, amount, ratio
    }'
done <"$scratch/sides"
