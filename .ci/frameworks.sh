#!/usr/bin/env bash
# Environments of other frameworks around the light part, for the tests marked frameworks: .ci/frameworks.sh [NAME ...]
# PYTHON310 and PYTHON name the interpreters.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=build/frameworks
old=${PYTHON310:-python3.10} new=${PYTHON:-python3}
wanted=("$@")

is_wanted() { [[ ${#wanted[@]} -eq 0 || " ${wanted[*]} " == *" $1 "* ]]; }

make_environment() { # name, interpreter, packages
    local name=$1 python=$2
    shift 2
    if ! is_wanted "$name"; then return; fi
    "$python" -m venv --clear "$folder/$name"
    "$folder/$name/bin/python" -m pip install --quiet --disable-pip-version-check "$@" -e .
}

make_environment coffea07 "$old" 'coffea==0.7.29' 'setuptools<81'
make_environment pocketcoffea "$old" 'pocket-coffea==0.9.13' 'setuptools<81'
make_environment coffea2026 "$new" 'coffea==2026.9.0' distributed parsl
make_environment dask "$new" 'coffea==2026.9.0' dask-awkward

if is_wanted columnflow; then
    # Its source package lacks a file that its setup.py reads, so pip gives up; an empty one in what it unpacked will do.
    # The coffea of its sandbox is a branch between 0.7 and 2024.
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    TMPDIR=$scratch "$old" -m pip download --quiet --no-clean --no-deps --dest "$scratch" 'columnflow==0.2.2' 2> "$scratch/log" || true
    source=$(dirname "$(find "$scratch" -path '*/columnflow*/setup.py' -print -quit)")
    touch "$source/requirements_prod.txt"
    make_environment columnflow "$old" 'coffea==2023.12.0' 'setuptools<81' law 'luigi~=3.3' order pyyaml 'scinum>=1.4.6' six "$source"
fi
