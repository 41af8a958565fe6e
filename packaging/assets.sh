#!/usr/bin/env bash
# Writes the manual pages and the completions of a built wgrad into target/assets, for packages: packaging/assets.sh [BINARY]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
wgrad=${1:-target/release/wgrad}
folder=target/assets
mkdir -p "$folder/man" "$folder/completions"
"$wgrad" man -o "$folder/man"
"$wgrad" completions bash >"$folder/completions/wgrad.bash"
"$wgrad" completions zsh >"$folder/completions/_wgrad"
"$wgrad" completions fish >"$folder/completions/wgrad.fish"
gzip -9nf "$folder"/man/*.1
