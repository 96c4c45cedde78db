#!/bin/sh
# Installs the project into $VENV with the versions of constraints.txt: with uv where there is one, else with pip.
# usage: PYTHON=python3.11 VENV=.venv sh scripts/install.sh ".[test]"
set -eu
what=$1

if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "article-qa needs Python 3.11 or newer, found: ${PYTHON:-none} - make PYTHON=/path/to/python3.11" >&2
    exit 1
fi

if command -v uv >/dev/null 2>&1; then
    # The backend keeps the CUDA packages out.
    if uv venv --quiet --allow-existing --python "$PYTHON" "$VENV" &&
        uv pip install --quiet --python "$VENV/bin/python" --torch-backend cpu -c constraints.txt -e "$what"; then
        exit 0
    fi
    echo "uv could not install, trying pip" >&2
fi

if ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
    if ! "$PYTHON" -m venv --clear "$VENV"; then
        echo "python3 cannot make a virtual environment - on Debian: apt-get install python3-venv" >&2
        exit 1
    fi
fi
echo "Installing article-qa into $VENV (some minutes the first time)" >&2
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e "$what"
