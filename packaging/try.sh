#!/usr/bin/env bash
# Unpacks the archive in a folder and installs the wheel beside it, each into an empty folder, and trains with both in an empty environment:
# packaging/try.sh FOLDER
set -euo pipefail
dist=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Trains a first network with a wgrad that finds nothing but itself, and looks for its model.
try() {
    local wgrad=$1 folder
    folder=$(mktemp -d "$work/XXXXXX")
    # Windows does not start without its own folder.
    (cd "$folder" && env -i ${SYSTEMROOT:+"SYSTEMROOT=$SYSTEMROOT"} "$wgrad" train digits --device cpu --quiet)
    test -s "$folder/runs/digits-1/model.safetensors"
}

for archive in "$dist"/*.tar.gz "$dist"/*.zip; do
    case $archive in
        *'*'*) continue ;;
        *.zip) 7z x "$archive" >/dev/null ;;
        *) tar -xzf "$archive" ;;
    esac
    folder=$work/$(basename "${archive%.tar.gz}" .zip)
    for file in README.md LICENSE-MIT LICENSE-APACHE NOTICE man/wgrad.1.gz completions/_wgrad; do
        test -s "$folder/$file"
    done
    wgrad=$folder/wgrad
    test -e "$wgrad" || wgrad=$wgrad.exe
    try "$wgrad"
done

for wheel in "$dist"/*.whl; do
    # pip takes wheels for musl on systems of musl alone.
    case $wheel in
        *'*'*) continue ;;
        *musllinux*) ldd --version 2>&1 | grep -qi musl || continue ;;
    esac
    python3 -m venv venv 2>/dev/null || python -m venv venv
    venv=venv/bin
    test -d "$venv" || venv=venv/Scripts
    "$venv/python" -m pip install --quiet --no-index --no-deps "$wheel"
    try "$work/$venv/wgrad"
done
