#!/usr/bin/env bash
# Runs every test and names the slowest. It finds or installs a Vulkan driver and the Python packages that some tests compare with.
#   tests/run.sh                    all
#   tests/run.sh gpu devices        those in these files of tests/binary and tests/library; further words are parts of names
#   tests/run.sh --prepare          installs and compiles, and runs none
#   tests/run.sh --beside COMMAND   all, and the command as well, which gets what the tests leave of the processor
#   tests/run.sh --lib network      any other arguments are those of `cargo test`
#   WGRAD_TEST_PROFILE=ci     compiles in less time than `cargo build --release` does, for tests that take a little longer
#   WGRAD_TEST_NO_GPU=1       leaves the GPU tests out, and installs no driver
#   WGRAD_TEST_KILLS=200      how often tests/binary/resume.rs kills a run (30)
#   WGRAD_TEST_FAULTS=all      each call to the GPU fails in all four ways, not in one
#   WGRAD_TEST_SEED=N         tests/library/pandas.rs makes the files of this seed (1), or, with `new`, of one that nobody has tried
#   WGRAD_TEST_SHARED=FOLDER  tables in FOLDER/data and FOLDER/hunt for tests/binary/exchange.rs and tests/binary/advice.rs
#   WGRAD_TEST_PYTHON=PYTHON  the Python with numpy, safetensors, onnx, onnxruntime, tensorboard and pandas to compare with; otherwise one is
#                             made in the target folder
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
target=$(cd "$target" && pwd)
log=$target/test-setup.log
: >"$log"

say() { printf 'tests/run.sh: %s\n' "$*" >&2; }

has_vulkan() {
    [ -n "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] && return 0
    local folder
    for folder in /usr/share /etc /usr/local/share /usr/local/etc /run/opengl-driver/share "${XDG_DATA_HOME:-${HOME:-}/.local/share}"; do
        compgen -G "$folder/vulkan/icd.d/*.json" >/dev/null && return 0
    done
    return 1
}

install_vulkan() {
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as_root=(sudo -n)
    fi
    command -v apt-get >/dev/null || return 1
    say "installing a software Vulkan driver (mesa-vulkan-drivers, libvulkan1)"
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120)
    {
        # tests/browser.sh may be installing as well.
        ! command -v flock >/dev/null || flock 9
        "${apt[@]}" update >>"$log" 2>&1 || true
        "${apt[@]}" install -y --no-install-recommends mesa-vulkan-drivers libvulkan1 >>"$log" 2>&1
    } 9>"${TMPDIR:-/tmp}/wgrad-tests-apt.lock"
}

# Metal and DirectX come with their systems: only Linux can lack a driver.
prepare_vulkan() {
    if [ "${WGRAD_TEST_NO_GPU:-}" = 1 ]; then
        say "GPU tests are left out (WGRAD_TEST_NO_GPU=1)"
        return
    fi
    [ "$(uname -s)" = Linux ] || return 0
    has_vulkan && return
    install_vulkan && has_vulkan && return
    say "no Vulkan driver found and none installed (details, if any: $log)."
    say "Install one: mesa-vulkan-drivers and libvulkan1 (Debian, Ubuntu), mesa-vulkan-drivers and vulkan-loader (Fedora),"
    say "vulkan-swrast and vulkan-icd-loader (Arch); or set WGRAD_TEST_NO_GPU=1."
}

prepare_python() {
    local packages=(numpy==2.3.5 safetensors==0.8.0 onnx==1.23.2 onnxruntime==1.32.0 tensorboard==2.21.0 pandas==3.1.1)
    local folder=$target/test-python wanted="${packages[*]}"
    if [ "$(cat "$folder/installed" 2>/dev/null)" != "$wanted" ] || ! "$python" -c 'import numpy, safetensors, onnx, onnxruntime, tensorboard, pandas' 2>>"$log"; then
        rm -rf "$folder"
        if ! python3 -m venv "$folder" >>"$log" 2>&1 ||
            ! "$python" -m pip install --quiet --no-input --disable-pip-version-check --only-binary :all: \
                --timeout 15 --retries 2 "${packages[@]}" >>"$log" 2>&1; then
            rm -rf "$folder"
            say "comparisons with Python are left out: they need python3 (3.11 or newer) with venv and pip (details: $log)"
            return 0
        fi
        printf '%s\n' "$wanted" >"$folder/installed"
    fi
}

# Prints what comes in from libtest, and adds the seconds of each test to the file where the test crates write theirs. libtest starts
# tests in the order of their names, as many side by side as there are threads: whenever one ends, the next begins.
timed() {
    local line ended=$target/test-ended now
    : >"$ended"
    while IFS= read -r line; do
        printf '%s\n' "$line"
        now=${EPOCHREALTIME:-$(date +%s)}
        case $line in
            'running '*) printf '%s\t\n' "${now/,/.}" >"$ended" ;;
            'test '*' ... '*) line=${line#test } && printf '%s\t[unit] %s\n' "${now/,/.}" "${line%% ... *}" >>"$ended" ;;
        esac
    done
    tail -n +2 "$ended" | LC_ALL=C sort -t $'\t' -k 2 | awk -F '\t' -v threads="$RUST_TEST_THREADS" '
        NR == FNR { ends[NR - 2] = $1; next }
        { begun = ends[FNR <= threads ? -1 : FNR - threads - 1]; printf "%.3f\t%s\n", $1 - begun, $2 }
    ' "$ended" - >>"$WGRAD_TEST_TIMES"
}

# Without a desktop session Mesa complains about this variable at every start.
export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$target}

if ! command -v cargo >/dev/null; then
    say "cargo is not on the PATH; Rust is installed from https://rustup.rs"
    exit 1
fi
profile=${WGRAD_TEST_PROFILE:-release}
# With what is left out of a plain build.
test=(cargo test --profile "$profile" --locked --features parquet)
crates=(--test binary --test library)
# Unit tests are small: they start sooner where compiling them is what takes the time.
unit=(--lib)
[ "$profile" = release ] || unit+=(--config "profile.$profile.package.wgrad.opt-level=0")

# Python's packages and the driver come while the tests are compiled.
python=$target/test-python/bin/python
{
    prepare_vulkan
    [ -n "${WGRAD_TEST_PYTHON:-}" ] || prepare_python
} &
preparing=$!
status=0
case "${1:-}" in
    '' | --prepare | --beside) "${test[@]}" "${crates[@]}" --no-run && "${test[@]}" "${unit[@]}" --no-run || status=$? ;;
esac
wait "$preparing"
[ "$status" = 0 ] && [ "${1:-}" != --prepare ] || exit "$status"
[ -n "${WGRAD_TEST_PYTHON:-}" ] || [ ! -x "$python" ] || export WGRAD_TEST_PYTHON=$python

beside=
case "${1:-}" in
    '') ;;
    --beside) beside=$2 ;;
    -*) exec "${test[@]}" "$@" ;;
    *) exec "${test[@]}" "${crates[@]}" -- "$@" ;;
esac
# The executables are run without cargo, which the command beside them may be using.
programs() { "$@" --no-run --message-format json | sed -n '/"overflow_checks":[a-z]*,"test":true}/ s/.*"executable":"\([^"]*\)".*/\1/p'; }
tests=$(programs "${test[@]}" "${unit[@]}" && programs "${test[@]}" "${crates[@]}" | sort -r)
if [ "$(grep -c . <<<"$tests")" != 3 ]; then
    say "cargo names other executables than those of the unit tests and of two test crates: $tests"
    exit 1
fi

export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(getconf _NPROCESSORS_ONLN)} WGRAD_TEST_TIMES=$target/test-times
: >"$WGRAD_TEST_TIMES"
if [ -n "$beside" ]; then
    nice -n 19 "$beside" >"$target/test-beside.log" 2>&1 &
    running=$!
    trap 'kill "$running" 2>/dev/null || true' EXIT
fi
for program in $tests; do
    printf '\nrunning %s\n' "$program"
    case $(basename "$program") in
        wgrad-*) "$program" | timed || status=$? ;;
        *) "$program" || status=$? ;;
    esac
done
printf '\nThe slowest tests, in seconds:\n'
sort -rn "$WGRAD_TEST_TIMES" | awk "NR <= 10"
if [ -n "$beside" ]; then
    wait "$running" || status=$?
    trap - EXIT
    cat "$target/test-beside.log"
fi
exit "$status"
