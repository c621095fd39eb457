#!/usr/bin/env bash
# Version: mypyc of mypy 2.4.1.
# Good guess: an attribute with a value in the class body is there in each object: mypyc's documents
#     say that the value is copied into an object when it is made.
# Seen: not so in a class that derives from an exception, or from dict: the attribute is missing, in
#     the class and in its objects. Reading it raises AttributeError. An annotation as ClassVar helps.
# Output seen:
#     plain class: acs
#     exception: AttributeError
#     exception, ClassVar: acs
#     dict: AttributeError
# Why it matters: classes of errors often carry such constants (a reason, whose fault it was). Code
#     that reads them in an except clause then raises another error, or takes a wrong way.
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
cat >faults.py <<'PYTHON'
from typing import ClassVar


class Plain:
    blame = "acs"


class Broken(Exception):
    blame = "acs"


class Declared(Exception):
    blame: ClassVar[str] = "acs"


class Table(dict[str, int]):
    blame = "acs"
PYTHON
cat >show.py <<'PYTHON'
import faults

names = {
    "plain class": "Plain",
    "exception": "Broken",
    "exception, ClassVar": "Declared",
    "dict": "Table",
}
for text, name in names.items():
    try:
        blame = getattr(faults, name)().blame
    except AttributeError as error:
        blame = type(error).__name__
    print(f"{text}: {blame}")
PYTHON
if [ "$(venv/bin/python show.py | grep -c ': acs$')" != 4 ]; then
    echo "CHANGED: the plain module does not have all four attributes" >&2
    exit 1
fi
venv/bin/mypyc faults.py >build.log 2>&1 || { tail -3 build.log >&2; exit 1; }
rm faults.py
compiled=$(venv/bin/python show.py)
echo "$compiled"
expected="plain class: acs
exception: AttributeError
exception, ClassVar: acs
dict: AttributeError"
if [ "$compiled" != "$expected" ]; then
    echo "CHANGED: mypyc treats attributes in the body of such classes otherwise" >&2
    exit 1
fi
