#!/usr/bin/env bash
# Version: mypyc of mypy 2.4.1.
# Good guess: functools.cached_property either works in a compiled class, computed once for each
#     object, or is refused by the compiler; a class without __dict__ has no place for the value.
# Seen: mypyc compiles it without a word, as a plain property: computed anew at each look.
# Output seen:
#     plain:    3 looks, computed 1 time(s)
#     compiled: 3 looks, computed 3 time(s)
# Why it matters: results stay right, so tests pass; what was cached because it is dear gets slower
#     by being compiled.
# Needs: bash, python3 >= 3.11 with venv and headers, a C compiler. Another version of mypy: give it
#     as the first argument.
set -euo pipefail

command -v cc >/dev/null || { echo "no C compiler (cc) here" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check \
    "mypy==${1:-2.4.1}" setuptools==80.9.0
cd "$work"
cat >shapes.py <<'PYTHON'
from functools import cached_property


class Square:
    def __init__(self, side: int) -> None:
        self.side = side
        self.computed = 0

    @cached_property
    def area(self) -> int:
        self.computed += 1
        return self.side * self.side
PYTHON
cat >count.py <<'PYTHON'
from shapes import Square

square = Square(3)
assert [square.area for _ in range(3)] == [9, 9, 9]
print(square.computed)
PYTHON
plain=$(venv/bin/python count.py)
venv/bin/mypyc shapes.py >build.log 2>&1 || { tail -3 build.log >&2; exit 1; }
rm shapes.py
compiled=$(venv/bin/python count.py)
echo "plain:    3 looks, computed $plain time(s)"
echo "compiled: 3 looks, computed $compiled time(s)"
if [ "$plain $compiled" != "1 3" ]; then
    echo "CHANGED: mypyc treats cached_property otherwise" >&2
    exit 1
fi
