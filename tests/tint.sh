#!/usr/bin/env bash
# Validates the shaders of a folder (wgrad devices --dump-shaders FOLDER) with tint, the WGSL compiler of Chrome and Dawn,
# from the npm package webgpu. It is put into the target folder once; then `cargo test --test library shaders` runs tint as well.
#   tests/tint.sh --install    only installs
#   tests/tint.sh FOLDER       installs where needed, and validates every .wgsl file
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ $# != 1 ]; then
    sed -n '2,5s/^# \?//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
modules=${CARGO_TARGET_DIR:-$here/../target}/test-tint
if [ ! -d "$modules/node_modules/webgpu" ]; then
    mkdir -p "$modules"
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$modules" webgpu@0.6.2
fi
[ "$1" = --install ] || exec node "$here/tint.mjs" "$modules" "$1"
