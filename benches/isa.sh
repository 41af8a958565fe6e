#!/usr/bin/env bash
# What the compilers of real AMD GPUs make of the tiled products: the least multiply-add share of the hot loop over all
# activations and optimizers, the most registers, and the least subgroups a SIMD.
#   benches/isa.sh ISA     ISA is the folder of the isa tool (a Cargo package), or ISA_TOOL names it
# Needs Mesa's RADV driver (Debian: mesa-vulkan-drivers) and python3, but no GPU. Prints a table in Markdown.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tool=${1:-${ISA_TOOL:-}}
if [ ! -f "$tool/Cargo.toml" ]; then
    sed -n '2,5s/^# \?//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cargo build --quiet --release --manifest-path "$tool/Cargo.toml"
cargo run --quiet --release --manifest-path "$here/../Cargo.toml" -- devices --dump-shaders "$folder" >&2
isa=${CARGO_TARGET_DIR:-$tool/target}/release/isa
"$isa" --json "$folder"/*-tiled*.wgsl > "$folder/records"
python3 - "$folder/records" <<'PYTHON'
import collections, json, re, sys

groups = collections.defaultdict(list)
for line in open(sys.argv[1]):
    record = json.loads(line)
    kernel, tile = re.search(r"(\w+)-tiled(\d+(?:x\d+)?(?:-in-\d+|-deep|-twice)?)-", record["shader"]).groups()
    groups[tile, kernel, record["gpu"]].append(record)
print("| tile | kernel | GPU | shaders | multiply-add share | registers | spills | scratch | subgroups a SIMD |")
print("|---|---|---|---|---|---|---|---|---|")
for (tile, kernel, gpu), records in sorted(groups.items()):
    most = {field: max(record[field] for record in records) for field in ("vgprs", "spills", "scratch")}
    share = min(record["multiply_add_share"] for record in records)
    subgroups = min(record["subgroups_per_simd"] for record in records)
    print(f"| {tile} | {kernel} | {gpu} | {len(records)} | {share:.3f} | {most['vgprs']} | {most['spills']} "
          f"| {most['scratch']} | {subgroups} |")
PYTHON
