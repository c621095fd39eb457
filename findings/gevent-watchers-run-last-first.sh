#!/usr/bin/env bash
# Version: gevent 26.9.0, with its default loop (libev).
# Good guess: watchers of one kind, as those that look at each turn of the loop (`loop.check`), are
#     called in the order in which they were started, and stopping one leaves the others in theirs.
# Seen: the last one that was started is called first; and when the first one is stopped, the last
#     one takes its place, so that two that go on have changed their order.
# Output seen:
#     check, started A B C:   C B A
#     ... after A was stopped: B C
#     prepare, started A B C: C B A
#     ... after A was stopped: B C
# Why it matters: what counts turns of the loop with a watcher is in front of the one that it looks
#     at or behind it, by what other parts of the process have started and stopped before. A watcher
#     of another kind (`prepare` comes before all `check`) is where it seems to be.
# Needs: bash, python3 >= 3.11 with venv. Another version of gevent: give it as the first argument.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check "gevent==${1:-26.9.0}"
cd "$work"
cat >show.py <<'PYTHON'
import sys

import gevent

loop = gevent.get_hub().loop
called = []


def in_a_turn(watchers):
    called.clear()
    while len(called) < len(watchers):
        gevent.sleep(0)
    return " ".join(called[: len(watchers)])


seen = []
for kind in ("check", "prepare"):
    watchers = {name: getattr(loop, kind)(ref=False) for name in "ABC"}
    for name, watcher in watchers.items():
        watcher.start(called.append, name)
    seen.append(in_a_turn(watchers))
    print(f"{kind + ', started A B C:':24}{seen[-1]}")
    watchers.pop("A").stop()
    seen.append(in_a_turn(watchers))
    print(f"... after A was stopped: {seen[-1]}")
    for watcher in watchers.values():
        watcher.stop()
if seen != ["C B A", "B C"] * 2:
    sys.exit("CHANGED: watchers of one kind are called in another order")
PYTHON
env -u GEVENT_LOOP venv/bin/python show.py
