#!/usr/bin/env bash
# wgrad beside other programs on the same workloads, in turn, and the ratios of medians.
#
#   benches/peers.sh PEERS_FOLDER [REPEATS]
#
# PEERS_FOLDER holds the other programs, built: numpy/train.py, torch/train.py, sklearn/train.py, tinygrad/train.py (run by
# venv/bin/python), burn/bin/burn_*, candle/bin/candle_*, fann/train. Those that are not there are left out.
#   WORKLOADS="tiny digits"    some workloads only
#   PROGRAMS="wgrad cpu,numpy" only programs whose names begin with one of these
set -euo pipefail
folder=$(cd "${1:?usage: benches/peers.sh PEERS_FOLDER [REPEATS]}" && pwd)
repeats=${2:-5}
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
wgrad=${WGRAD:-${CARGO_TARGET_DIR:-$repository/target}/release/wgrad}
workloads=${WORKLOADS:-tiny digits mnist wide}
programs=${PROGRAMS:-}
results=$(mktemp)
trap 'rm -f "$results"' EXIT

# Epochs that take between a tenth of a second and some seconds, as far as that can be.
epochs() { # workload, how fast the program is with it
    case $1,$2 in
    tiny,fast) echo 100000 ;; tiny,fair) echo 10000 ;; tiny,slow) echo 2000 ;;
    digits,fast) echo 200 ;; digits,fair) echo 50 ;; digits,slow) echo 5 ;;
    mnist,*) echo 2 ;; wide,*) echo 1 ;;
    esac
}

# Whether a program was asked for.
is_wanted() { # name
    local wanted names
    [ -n "$programs" ] || return 0
    IFS=, read -ra names <<<"${programs//, /,}"
    for wanted in ${names[@]+"${names[@]}"}; do
        [ -n "$wanted" ] || continue
        case $1 in "$wanted"*) return 0 ;; esac
    done
    return 1
}

# Runs a program of the folder's Python, where it has the package, without what a machine's settings tell numpy's OpenBLAS.
python() { # name, workload, speed, package, program, its arguments ...
    local name=$1 workload=$2 speed=$3 package=$4 program=$folder/$5 python=$folder/venv/bin/python
    shift 5
    if is_wanted "$name" && [ -f "$program" ] && "$python" -c "import $package" >/dev/null 2>&1; then
        run "$name" "$workload" "$speed" env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE "$python" "$program" "$@"
    fi
}

# One run: prints nothing, notes its line.
run() { # name, workload, speed, command ...
    local name=$1 workload=$2 speed=$3
    shift 3
    if ! is_wanted "$name" || ! command -v "$1" >/dev/null; then return 0; fi
    local samples=()
    # A software adapter takes minutes for the whole of it.
    if [ "$workload" = wide ] && [ "$speed" = slow ]; then samples=(--samples 4096); fi
    "$@" --workload "$workload" --epochs "$(epochs "$workload" "$speed")" ${samples[@]+"${samples[@]}"} |
        grep '^{' | sed "s/^/$workload\t$name\t/" >>"$results" || echo "peers.sh: $name failed on $workload" >&2
}

# The programs of one repeat. Those on a GPU are compared with wgrad's GPU path.
for repeat in $(seq "$repeats"); do
    for workload in $workloads; do
        echo "peers.sh: $workload, repeat $repeat of $repeats" >&2
        run "wgrad cpu" "$workload" fast "$wgrad" bench training --json --device cpu
        for backend in plain scipy; do
            python "numpy $backend" "$workload" fast "${backend/plain/numpy}" numpy/train.py --backend "$backend"
        done
        for backend in eager foreach manual compile; do
            python "torch $backend" "$workload" fast torch torch/train.py --backend "$backend"
        done
        # Its loss is another one.
        python scikit-learn "$workload" fair sklearn sklearn/train.py
        python tinygrad "$workload" fair tinygrad tinygrad/train.py --backend clang
        run candle "$workload" fast "$folder/candle/bin/candle_plain"
        LD_LIBRARY_PATH=$folder/mkl/root/lib/intel64 run "candle with MKL" "$workload" fast "$folder/candle/bin/candle_mkl"
        run "burn flex" "$workload" fast "$folder/burn/bin/burn_c" --backend flex
        run FANN "$workload" fast "$folder/fann/train"
        run "wgrad gpu" "$workload" slow "$wgrad" bench training --json --device gpu
        run "burn with fusion" "$workload" slow "$folder/burn/bin/burn_a" --backend wgpu
        run "burn wgpu" "$workload" slow "$folder/burn/bin/burn_c" --backend wgpu
    done
done

if [ ! -s "$results" ]; then
    echo "peers.sh: nothing was measured: is wgrad built, and is there a program of these names?" >&2
    exit 1
fi
python3 - "$results" <<'PYTHON'
import collections, json, statistics, sys

seconds = collections.defaultdict(lambda: collections.defaultdict(list))
losses = collections.defaultdict(dict)
for line in open(sys.argv[1]):
    workload, name, text = line.rstrip("\n").split("\t", 2)
    run = json.loads(text)
    seconds[workload][name].append(1 / run["samples_per_s"])
    losses[workload, name] = (run["final_loss"], run["epochs"], run["samples"])
for workload, programs in seconds.items():
    print(f"\n## {workload}\n")
    print("| program | samples/s | ± | runs | wgrad's speed over it, CPU | GPU | final loss (epochs, rows) |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    median = {name: statistics.median(runs) for name, runs in programs.items()}
    for name in sorted(median, key=median.get):
        runs = programs[name]
        spread = 100 * (max(runs) - min(runs)) / 2 / median[name]
        ratios = [f"{median[name] / median[ours]:.2f}" if ours in median else "" for ours in ("wgrad cpu", "wgrad gpu")]
        loss, epochs, rows = losses[workload, name]
        print(f"| {name} | {1 / median[name]:.0f} | {spread:.0f} % | {len(runs)} | {ratios[0]} | {ratios[1]} | {loss:.6f} ({epochs}, {rows}) |")
PYTHON
