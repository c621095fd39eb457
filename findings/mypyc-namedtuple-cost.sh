#!/usr/bin/env bash
# Version: mypyc of mypy 2.4.1.
# Good guess: compiling makes all small records cheaper to make; NamedTuple, being a tuple in C, stays
#     a good choice beside a class with an __init__ of its own.
# Seen: a class with __init__ gets some five times cheaper, a NamedTuple no cheaper at all: its
#     __new__ is still interpreted. Plain, the two are near each other; compiled, the NamedTuple
#     costs some nine times the class.
# Output seen (nanoseconds an object; the figures depend on the machine, the ratios hardly):
#     plain:    class 200, NamedTuple 307: ratio 1.5
#     compiled: class 36, NamedTuple 321: ratio 8.9
# Why it matters: a dozen NamedTuples for each unit of work can eat most of what compiling brings, and
#     nothing says so.
# Needs: bash, python3 >= 3.11 with venv and headers, a C compiler. Another version of mypy: give it
#     as the first argument.
# Changed means here: the compiled NamedTuple costs less than 3 times the class, or less than 0.6 of
#     the plain NamedTuple.
set -euo pipefail

command -v cc >/dev/null || { echo "no C compiler (cc) here" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check \
    "mypy==${1:-2.4.1}" setuptools==80.9.0
cd "$work"
cat >records.py <<'PYTHON'
from time import perf_counter
from typing import NamedTuple


class Named(NamedTuple):
    name: str
    size: int
    seconds: float


class Own:
    __slots__ = ("name", "seconds", "size")

    def __init__(self, name: str, size: int, seconds: float) -> None:
        self.name = name
        self.size = size
        self.seconds = seconds


def named(count: int) -> float:
    began = perf_counter()
    for size in range(count):
        Named("inform", size, 0.5)
    return perf_counter() - began


def own(count: int) -> float:
    began = perf_counter()
    for size in range(count):
        Own("inform", size, 0.5)
    return perf_counter() - began
PYTHON
cat >measure.py <<'PYTHON'
import records

COUNT = 200_000
own, named = (
    min(function(COUNT) for _ in range(7)) / COUNT * 1e9
    for function in (records.own, records.named)
)
print(f"{own:.0f} {named:.0f}")
PYTHON
read -r plain_own plain_named < <(venv/bin/python measure.py)
venv/bin/mypyc records.py >build.log 2>&1 || { tail -3 build.log >&2; exit 1; }
rm records.py
read -r own named < <(venv/bin/python measure.py)
ratio() { python3 -c 'import sys; print(f"{int(sys.argv[1]) / int(sys.argv[2]):.1f}")' "$@"; }
echo "plain:    class $plain_own, NamedTuple $plain_named: ratio $(ratio "$plain_named" "$plain_own")"
echo "compiled: class $own, NamedTuple $named: ratio $(ratio "$named" "$own")"
if [ "$named" -lt $((own * 3)) ] || [ $((named * 10)) -lt $((plain_named * 6)) ]; then
    echo "CHANGED: a compiled NamedTuple has become cheap to make" >&2
    exit 1
fi
