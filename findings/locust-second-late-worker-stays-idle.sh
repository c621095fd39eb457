#!/usr/bin/env bash
# Version: Locust 2.47.0.
# Good guess: what one late worker gets (see locust-late-worker-gets-users.sh), the next gets too.
# Seen: the dispatch that gives users to the first late worker never counts as done, so the master
#     starts no other when the next worker joins, or when one that fell silent comes back.
# Output seen (6 users):
#     first late worker:  3 started
#     second late worker: 0 started
# Why it matters: a worker that replaces one that was killed stays idle for a minute, and a worker
#     that comes back after a silence goes on with users that others have got as well.
# Needs: bash, python3 >= 3.11 with venv. Takes some 40 s. Another version of Locust: give it as the
#     first argument.
set -euo pipefail

work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check "locust==${1:-2.47.0}" gevent==26.9.0
cd "$work"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >locustfile.py <<'PYTHON'
from locust import User, constant, task


class Holder(User):
    wait_time = constant(1)

    def on_start(self):
        print("started", flush=True)

    @task
    def hold(self):
        pass
PYTHON
locust() { exec venv/bin/locust -f locustfile.py "$@"; }
worker() { locust --worker --master-host 127.0.0.1 --master-port "$port"; }
# How often a log has a line, once it has it at all; 0 after 15 s without.
count() {
    for _ in $(seq 150); do
        grep -qx "$1" "$2" && break
        sleep 0.1
    done
    sleep 2
    grep -cx "$1" "$2" || true
}

locust --headless --master --master-bind-host 127.0.0.1 --master-bind-port "$port" \
    --expect-workers 1 --users 6 --spawn-rate 6 --run-time 90s >master.log 2>&1 &
worker >first.log 2>&1 &
[ "$(count started first.log)" = 6 ] || { echo "the run did not start" >&2; cat master.log >&2; exit 1; }
worker >late.log 2>&1 &
late=$(count started late.log)
worker >later.log 2>&1 &
later=$(count started later.log)
echo "first late worker:  $late started"
echo "second late worker: $later started"
if [ "$late $later" != "3 0" ]; then
    echo "CHANGED: the second late worker is given users, too" >&2
    exit 1
fi
