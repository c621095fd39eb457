#!/usr/bin/env bash
# Version: Locust 2.47.0.
# Good guess: with PYTHONSAFEPATH=1 a package of PYTHONPATH is imported from there, also where the
#     current folder or that of the locustfile has one of the same name, as with `python -m`.
# Seen: Locust puts the current folder in front of the path by itself, and the locustfile's: the
#     packages there win. From another folder, and with the locustfile elsewhere, PYTHONPATH wins.
# Output seen:
#     python -m, in the clone:              of PYTHONPATH
#     locust, in the clone:                 of the clone
#     locust elsewhere, its file in there:  of the clone
#     locust and its file elsewhere:        of PYTHONPATH
# Why it matters: who builds a package (compiled, or of another version), and runs Locust in the
#     folder of its sources, measures the sources.
# Needs: bash, python3 >= 3.11 with venv. Another version of Locust: give it as the first argument.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check "locust==${1:-2.47.0}" gevent==26.9.0
cd "$work"
mkdir -p built/thing clone/thing elsewhere
echo 'WHERE = "of PYTHONPATH"' >built/thing/__init__.py
echo 'WHERE = "of the clone"' >clone/thing/__init__.py
echo 'from thing import WHERE; print(WHERE)' | tee built/thing/__main__.py >clone/thing/__main__.py
cat >clone/locustfile.py <<'PYTHON'
from locust import User
from thing import WHERE


class Holder(User):
    pass


print("imported:", WHERE)
PYTHON
cp clone/locustfile.py elsewhere/
export PYTHONSAFEPATH=1 PYTHONPATH=$work/built PYTHONWARNINGS=ignore
imported() { # FOLDER LOCUSTFILE
    (cd "$1" && "$work/venv/bin/python" -m locust -f "$2" --list 2>&1) | sed -n 's/^imported: //p'
}
plain=$(cd clone && "$work/venv/bin/python" -m thing)
in_clone=$(imported clone locustfile.py)
file_in_clone=$(imported elsewhere "$work/clone/locustfile.py")
away=$(imported elsewhere locustfile.py)
echo "python -m, in the clone:              $plain"
echo "locust, in the clone:                 $in_clone"
echo "locust elsewhere, its file in there:  $file_in_clone"
echo "locust and its file elsewhere:        $away"
if [ "$plain/$in_clone/$file_in_clone/$away" != \
    "of PYTHONPATH/of the clone/of the clone/of PYTHONPATH" ]; then
    echo "CHANGED: Locust leaves the path to Python" >&2
    exit 1
fi
