#!/usr/bin/env bash
# Runs each fuzz target of tests/fuzz for 60 seconds, or as many as are given: tests/fuzz.sh [SECONDS [TARGET…]]. Needs a nightly
# Rust and cargo-fuzz, and says so where they are not. What it finds lies in tests/fuzz/artifacts; the corpus is made anew from
# the seeds below each time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(csv npy idx parquet safetensors onnx config)

if ! cargo +nightly --version >/dev/null 2>&1 || ! cargo fuzz --version >/dev/null 2>&1; then
    echo "left out: fuzzing (it needs: rustup toolchain install nightly; cargo install cargo-fuzz --locked)"
    exit 0
fi

corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
mkdir -p "$corpus"/{csv,npy,idx,parquet,safetensors,onnx,config}
printf 'a,b,y\n1,2.5,p\n3,,q\n"4",x,p\n' >"$corpus/csv/table"
printf '1;2\r\n3;4\r\n' >"$corpus/csv/semicolons"
header="{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }"
printf '\1\0\x3b\0%s\0\0\x80\x3f\0\0\0\x40' "$header" >"$corpus/npy/two"
printf '\x08\2\0\0\0\2\0\0\0\2\1\2\3\4' >"$corpus/idx/images"
for file in src/data/parquet/*.parquet; do
    tail -c +5 "$file" >"$corpus/parquet/$(basename "$file")"
done
printf 'epochs = 3\nhidden = [4, 5]\nlearning-rate = 0.1\ntarget = ["y"]\nmax-time = "3s"\n' >"$corpus/config/options"
# A model and a checkpoint, without the eight bytes of length.
cargo build --release --quiet
run=$corpus/run
target/release/wgrad train iris --hidden 3 --epochs 1 --device cpu --quiet -o "$run" >/dev/null
for file in model checkpoint; do
    tail -c +9 "$run/$file.safetensors" >"$corpus/safetensors/$file"
done

target/release/wgrad export "$run" --format onnx -o "$corpus/onnx/model" >/dev/null
target/release/wgrad export "$run" --format onnx --plain -o "$corpus/onnx/plain" >/dev/null

for target in "${targets[@]}"; do
    printf '\n== %s, %s s\n' "$target" "$seconds"
    log=$corpus/$target.log
    status=0
    cargo +nightly fuzz run --fuzz-dir tests/fuzz "$target" "$corpus/$target" -- \
        -max_total_time="$seconds" -rss_limit_mb=2048 -max_len=8192 -timeout=10 -print_final_stats=1 >"$log" 2>&1 || status=$?
    grep -E 'panicked|ERROR|SUMMARY|number_of_executed_units|peak_rss|artifact|^Done|^error' "$log" || true
    [ "$status" = 0 ] || { echo "$target: a finding, or it does not build"; tail -40 "$log"; exit 1; }
done
