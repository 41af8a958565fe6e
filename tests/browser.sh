#!/usr/bin/env bash
# Gets what tests/binary/browser.rs tries the pages with that compute in a browser: playwright-core from npm, which goes into the target
# folder once, and a Chromium. Debian's is installed where there is none, if this user may.
#   tests/browser.sh --install
#   WGRAD_TEST_CHROMIUM=PROGRAM  the browser; otherwise the first of chromium, chromium-browser, google-chrome
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "$*" != --install ]; then
    sed -n '2,5s/^# \?//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
exec </dev/null

modules=${CARGO_TARGET_DIR:-$here/../target}/test-browser
if [ ! -d "$modules/node_modules/playwright-core" ]; then
    mkdir -p "$modules"
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$modules" playwright-core@1.64.1
fi
for browser in "${WGRAD_TEST_CHROMIUM:-}" chromium chromium-browser google-chrome; do
    [ -z "$browser" ] || ! command -v "$browser" >/dev/null || exit 0
done
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo -n)
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120)
{
    # tests/run.sh may be installing as well.
    ! command -v flock >/dev/null || flock 9
    "${apt[@]}" update || true
    "${apt[@]}" install -y --no-install-recommends chromium
} 9>"${TMPDIR:-/tmp}/wgrad-tests-apt.lock"
