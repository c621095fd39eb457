#!/usr/bin/env bash
# Version: mypyc of mypy 2.4.1.
# Good guess: `class Base(ABC)` and `class Base(metaclass=ABCMeta)` are two ways to write the same,
#     as in plain Python, where objects of a class with __slots__ are of the same size with either.
# Seen: compiled, an object below ABC has room for a __dict__ and for weak references, and takes any
#     attribute, in spite of __slots__: ABC is an interpreted base. An object below a class with the
#     metaclass alone has neither, and refuses.
# Output seen (bytes of an object with one attribute; what it does with an unknown attribute):
#     plain:    ABC 24 refuses, metaclass 24 refuses
#     compiled: ABC 48 takes, metaclass 32 refuses
# Why it matters: it takes nothing to write, and is paid for by each of a million objects.
# Needs: bash, python3 >= 3.11 with venv and headers, a C compiler. Another version of mypy: give it
#     as the first argument.
# Changed means here: compiled, the two are of the same size, or do the same with an unknown
#     attribute.
set -euo pipefail

command -v cc >/dev/null || { echo "no C compiler (cc) here" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check \
    "mypy==${1:-2.4.1}" setuptools==80.9.0
cd "$work"
cat >devices.py <<'PYTHON'
from abc import ABC, ABCMeta, abstractmethod


class WithABC(ABC):
    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    @abstractmethod
    def name(self) -> str: ...


class BelowABC(WithABC):
    __slots__ = ()

    def name(self) -> str:
        return str(self.number)


class WithMetaclass(metaclass=ABCMeta):
    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    @abstractmethod
    def name(self) -> str: ...


class BelowMetaclass(WithMetaclass):
    __slots__ = ()

    def name(self) -> str:
        return str(self.number)
PYTHON
cat >look.py <<'PYTHON'
import devices

for kind in (devices.BelowABC, devices.BelowMetaclass):
    made = kind(1)
    try:
        made.unknown = 1
    except AttributeError:
        print(kind.__basicsize__, "refuses", end=" ")
    else:
        print(kind.__basicsize__, "takes", end=" ")
print()
PYTHON
read -r plain_abc plain_abc_does plain_meta plain_meta_does < <(venv/bin/python look.py)
venv/bin/mypyc devices.py >build.log 2>&1 || { tail -3 build.log >&2; exit 1; }
rm devices.py
read -r abc abc_does meta meta_does < <(venv/bin/python look.py)
echo "plain:    ABC $plain_abc $plain_abc_does, metaclass $plain_meta $plain_meta_does"
echo "compiled: ABC $abc $abc_does, metaclass $meta $meta_does"
if [ "$abc" = "$meta" ] || [ "$abc_does" = "$meta_does" ]; then
    echo "CHANGED: a base ABC costs an object nothing any more" >&2
    exit 1
fi
