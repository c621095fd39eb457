#!/usr/bin/env bash
# Version: mypyc of mypy 2.4.1.
# Good guess: super().make() in a class method calls the base's make with the same class, compiled or
#     not, so that the base can make an object of it.
# Seen: where the base class is compiled too, the base's method is given the class of the class: type.
#     The same call of a method that the subclass does not override is right.
# Output seen:
#     plain:    super: Child, inherited: Child
#     compiled: super: type, inherited: Child
# Why it matters: an alternative constructor that extends its base's is the usual place for this.
#     cls() in the base then fails with "type() takes 1 or 3 arguments", only when compiled.
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
cat >wire.py <<'PYTHON'
class Base:
    @classmethod
    def made_of(cls) -> str:
        return cls.__name__

    @classmethod
    def inherited(cls) -> str:
        return cls.__name__


class Child(Base):
    @classmethod
    def made_of(cls) -> str:
        return super().made_of()
PYTHON
cat >show.py <<'PYTHON'
from wire import Child

print(f"super: {Child.made_of()}, inherited: {Child.inherited()}")
PYTHON
plain=$(venv/bin/python show.py)
venv/bin/mypyc wire.py >build.log 2>&1 || { tail -3 build.log >&2; exit 1; }
rm wire.py
compiled=$(venv/bin/python show.py)
echo "plain:    $plain"
echo "compiled: $compiled"
if [ "$plain" != "super: Child, inherited: Child" ] ||
    [ "$compiled" != "super: type, inherited: Child" ]; then
    echo "CHANGED: super() in a class method passes on another class" >&2
    exit 1
fi
