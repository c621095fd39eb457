#!/usr/bin/env bash
# Version: pytest-xdist 3.8.0 with pytest 9.2.0.
# Good guess: with --dist loadgroup, tests of one xdist_group run in one worker, whatever the pytest.
# Seen: with pytest 9.0.0 they do. With 9.2.0 they are spread over all workers, without a word.
# Output seen (12 tests of one group, three workers):
#     pytest 9.0.0: 1 worker
#     pytest 9.2.0: 3 workers
# Why it matters: tests that must not run beside each other do so after an update of pytest alone,
#     and still pass most of the time.
# Needs: bash, python3 >= 3.11 with venv. Takes some 20 s. Another version of pytest-xdist: give it
#     as the first argument.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
cd "$work"
cat >test_group.py <<'PYTHON'
import time

import pytest


@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(12))
def test_of_the_group(number, worker_id):
    time.sleep(0.05)
    with open("workers", "a") as file:
        file.write(f"{worker_id}\n")
PYTHON
# How many workers ran the tests, with this pytest.
workers() {
    venv/bin/pip install -qq --disable-pip-version-check "pytest==$1" "pytest-xdist==$2"
    rm -f workers
    venv/bin/python -m pytest -q -n 3 --dist loadgroup -p no:cacheprovider >/dev/null
    sort -u workers | wc -l
}

before=$(workers 9.0.0 "${1:-3.8.0}")
now=$(workers 9.2.0 "${1:-3.8.0}")
echo "pytest 9.0.0: $before worker"
echo "pytest 9.2.0: $now workers"
if [ "$before" != 1 ] || [ "$now" = 1 ]; then
    echo "CHANGED: groups are the same with both" >&2
    exit 1
fi
