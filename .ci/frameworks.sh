#!/usr/bin/env bash
# Environments of other frameworks around the light part, for the tests marked frameworks: .ci/frameworks.sh [NAME ...]
# PYTHON310 and PYTHON name the interpreters.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=build/frameworks

make_environment() { # name, interpreter, packages
    local name=$1 python=$2
    shift 2
    if [[ ${#wanted[@]} -gt 0 && " ${wanted[*]} " != *" $name "* ]]; then return; fi
    "$python" -m venv --clear "$folder/$name"
    "$folder/$name/bin/python" -m pip install --quiet --disable-pip-version-check "$@" -e .
}

wanted=("$@")
make_environment coffea07 "${PYTHON310:-python3.10}" 'coffea==0.7.29' 'setuptools<81'
make_environment pocketcoffea "${PYTHON310:-python3.10}" 'pocket-coffea==0.9.13' 'setuptools<81'
make_environment coffea2026 "${PYTHON:-python3}" 'coffea==2026.9.0'
make_environment dask "${PYTHON:-python3}" 'coffea==2026.9.0' dask-awkward
