#!/usr/bin/env bash
# Version: mypyc of mypy 2.4.1.
# Good guess: super().__init__(*arguments, **options) passes on what came in, compiled or not. mypyc
#     is documented to be slow with *args, not to change what they mean.
# Seen: where the base class is compiled too, super() puts the tuple and the dict themselves into the
#     base's parameters: each positional one gets the whole tuple, the keyword-only one the dict. No
#     error, unless a parameter's type forbids it. The same call through self is right.
# Output seen:
#     plain:    super: 1 2 True, self: 1 2 True
#     compiled: super: (1, 2) (1, 2) {'last': True}, self: 1 2 True
# Why it matters: a subclass that only adds to its base is the usual place for *arguments, and with
#     parameters of type object or Any the wrong values go on silently.
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
cat >transports.py <<'PYTHON'
from typing import Any


class Base:
    def show(self, first: object, second: object = 5, *, last: object = False) -> str:
        return f"{first} {second} {last}"


class Child(Base):
    def by_super(self, *arguments: Any, **options: Any) -> str:
        return super().show(*arguments, **options)

    def by_self(self, *arguments: Any, **options: Any) -> str:
        return self.show(*arguments, **options)
PYTHON
cat >show.py <<'PYTHON'
from transports import Child

child = Child()
print("super:", child.by_super(1, 2, last=True) + ", self:", child.by_self(1, 2, last=True))
PYTHON
plain=$(venv/bin/python show.py)
venv/bin/mypyc transports.py >build.log 2>&1 || { tail -3 build.log >&2; exit 1; }
rm transports.py
compiled=$(venv/bin/python show.py)
echo "plain:    $plain"
echo "compiled: $compiled"
if [ "$plain" != "super: 1 2 True, self: 1 2 True" ] ||
    [ "$compiled" != "super: (1, 2) (1, 2) {'last': True}, self: 1 2 True" ]; then
    echo "CHANGED: super() with *arguments passes on something else" >&2
    exit 1
fi
