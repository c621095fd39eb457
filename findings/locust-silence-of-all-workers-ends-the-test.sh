#!/usr/bin/env bash
# Version: Locust 2.47.0.
# Good guess: workers that fall silent for some seconds and come back go on with their users, as one
#     of several workers does.
# Seen: when no worker is left that is heard of, for 4 s, the master stops the test, though --run-time
#     is not over. The worker that comes back ends its users and waits for a next test.
# Output seen (one worker, stopped for 8 s, of a run of 30 s):
#     master: The last worker went missing, stopping test.
#     worker: 6 of 6 users ended
# Why it matters: a pause of a machine, a network or a master with one worker, or of all workers at
#     once, ends a long test for good.
# Needs: bash, python3 >= 3.11 with venv. Takes some 30 s. Another version of Locust: give it as the
#     first argument.
set -euo pipefail

work=$(mktemp -d)
trap 'kill -CONT $(jobs -p) 2>/dev/null || true; kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
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

    def on_stop(self):
        print("ended", flush=True)

    @task
    def hold(self):
        pass
PYTHON
locust() { exec venv/bin/locust -f locustfile.py "$@"; }
# Wait until a log has a text.
until_in() { for _ in $(seq 200); do grep -q "$1" "$2" && return; sleep 0.1; done; cat "$2" >&2; exit 1; }

locust --headless --master --master-bind-host 127.0.0.1 --master-bind-port "$port" \
    --expect-workers 1 --users 6 --spawn-rate 6 --run-time 30s >master.log 2>&1 &
began=$SECONDS
locust --worker --master-host 127.0.0.1 --master-port "$port" >worker.log 2>&1 &
worker=$!
until_in "All users spawned" master.log
kill -STOP "$worker"
sleep 8
kill -CONT "$worker"
sleep 3
over=$(grep -o "The last worker went missing, stopping test." master.log || true)
ended=$(grep -cx ended worker.log || true)
echo "master: $over"
echo "worker: $ended of 6 users ended"
if [ -z "$over" ] || [ "$ended" != 6 ] || [ $((SECONDS - began)) -gt 28 ]; then
    echo "CHANGED: the test goes on when its workers come back" >&2
    exit 1
fi
