#!/bin/sh
# Prints the first Python of at least 3.11 that really runs; one line on stderr and exit 1 if there is none.
# The user's own python3 goes first. PYTHON=/path/to/python overrides.
for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14 python}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        command -v "$candidate"
        exit 0
    fi
done
echo "creps: no Python 3.11 or newer was found${PYTHON:+ at $PYTHON}; install one or run: make PYTHON=/path/to/python" >&2
exit 1
