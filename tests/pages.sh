#!/usr/bin/env bash
# Takes pictures of the pages that people look at, as a phone and a desktop show them, light and dark, into target/pages/, where a
# Chromium is installed. Nothing is compared: they are for the eye.
#   WGRAD_TEST_CHROMIUM=PROGRAM  the browser; otherwise the first of chromium, chromium-browser, google-chrome
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null

browser=${WGRAD_TEST_CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$browser" ]; then
    printf 'tests/pages.sh: left out: no Chromium is installed (Debian: apt-get install chromium)\n' >&2
    exit 0
fi
target=${CARGO_TARGET_DIR:-target}
# As the tests build it, so that nothing is compiled twice.
profile=${WGRAD_TEST_PROFILE:-release}
cargo test --profile "$profile" --locked --features parquet --no-run --test binary
wgrad=$(cd "$target" && pwd)/$profile/wgrad
rm -rf "$target/pages"
mkdir -p "$target/pages"
cd "$target/pages"

train() {
    "$wgrad" train "$@" --device cpu --quiet >/dev/null
}

{
    printf 'x,y,ring\n'
    awk 'BEGIN { for (i = 0; i < 240; i++) { r = (i % 2 ? 2 : 0.8) + 0.3 * sin(i * 1.3);
        printf "%.4f,%.4f,%s\n", r * cos(i * 0.7), r * sin(i * 0.7), i % 2 ? "outer" : "inner" } }'
} >rings.csv
{
    printf 'length,width,area\n'
    awk 'BEGIN { for (i = 0; i < 300; i++) { a = i * 37 % 101 / 10; b = i * 53 % 97 / 10; printf "%.2f,%.2f,%.3f\n", a, b, a * b } }'
} >areas.csv
train digits --epochs 12 -o digits
train digits --epochs 12 --learning-rate 0.01 --hidden 32,16 --seed 3 -o digits-with-two-hidden-layers-and-a-long-name
train breast-cancer -o cancer
train wine-quality -o quality
train rings.csv --hidden 16 --epochs 60 -o rings
train areas.csv --task regression --hidden 16 --epochs 60 -o areas
"$wgrad" report digits digits-with-two-hidden-layers-and-a-long-name -o comparison.html >/dev/null
"$wgrad" sweep digits --device cpu --quiet -o digits-sweep >/dev/null
for lesson in trask trask-hidden loy backprop-2-2-1; do
    "$wgrad" lesson "$lesson" --compare --quiet --html "$lesson.html"
done
for lesson in udacity-step vanishing confidence plane; do
    "$wgrad" lesson "$lesson" --quiet --html "$lesson.html"
done
"$wgrad" explain digits digits --row 300 --quiet --html explanation.html
"$wgrad" bench --net 64-32-10 --batch-size 16,64,256 --time 4s --device cpu --quiet --html bench.html >/dev/null

# A frame as wide as a phone: a browser's own window cannot be so narrow.
picture() {
    local page=$1 name=$2 width=$3 scheme=$4 height=$5
    printf '<!doctype html><meta name="color-scheme" content="light dark"><style>body{margin:0}iframe{border:0;display:block}</style><iframe src="%s" width="%s" height="%s"></iframe>' \
        "$page" "$width" "$height" >frame.html
    "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=1 \
        --blink-settings=preferredColorScheme="$scheme" --window-size="$((width > 500 ? width : 500)),$height" \
        --allow-file-access-from-files --screenshot="$name.png" "file://$PWD/frame.html" >>browser.log 2>&1
}
for page in digits cancer quality rings areas digits-sweep comparison bench \
    trask trask-hidden loy backprop-2-2-1 udacity-step vanishing confidence plane explanation; do
    file=$page/report.html
    [ -d "$page" ] || file=$page.html
    picture "$file" "$page-phone-light" 390 1 5200
    picture "$file" "$page-desktop-dark" 1280 0 3600
    # Pages of lessons are made of the same parts.
    [ -d "$page" ] || continue
    picture "$file" "$page-phone-dark" 390 0 5200
    picture "$file" "$page-desktop-light" 1280 1 3600
done
rm frame.html
printf 'tests/pages.sh: the pictures are in %s\n' "$PWD"
