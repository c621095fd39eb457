#!/usr/bin/env bash
# Version: Locust 2.47.0.
# Good guess: a worker that joins a run after its ramp stays idle unless the master was started with
#     --enable-rebalancing, which is said to re-distribute users when workers are added.
# Seen: the master starts a new dispatch for it at once, without that option. Half of the users are
#     stopped on the first worker and others are started on the late one; spawning_complete fires a
#     second time.
# Output seen (4 users):
#     first worker: 4 started, 2 stopped, spawning_complete 2 time(s)
#     late worker:  2 started
# Why it matters: users that hold something of their own (an account, a serial number, a connection)
#     are stopped in the middle of a run, and what a listener does once after the ramp is done again.
# Needs: bash, python3 >= 3.11 with venv. Takes some 15 s. Another version of Locust: give it as the
#     first argument.
set -euo pipefail

work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check "locust==${1:-2.47.0}" gevent==26.9.0
cd "$work"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >locustfile.py <<'PYTHON'
from locust import User, constant, events, task


@events.spawning_complete.add_listener
def spawned(user_count, **_):
    print("spawning_complete", flush=True)


class Holder(User):
    wait_time = constant(1)

    def on_start(self):
        print("started", flush=True)

    def on_stop(self):
        print("stopped", flush=True)

    @task
    def hold(self):
        pass
PYTHON
locust() { exec venv/bin/locust -f locustfile.py "$@"; }
worker() { locust --worker --master-host 127.0.0.1 --master-port "$port"; }
# How often a log has a line, once it has it at all; 0 after 20 s without.
count() {
    for _ in $(seq 200); do
        grep -qx "$1" "$2" && break
        sleep 0.1
    done
    grep -cx "$1" "$2" || true
}

locust --headless --master --master-bind-host 127.0.0.1 --master-bind-port "$port" \
    --expect-workers 1 --users 4 --spawn-rate 4 --run-time 40s >master.log 2>&1 &
worker >first.log 2>&1 &
count spawning_complete first.log >before
[ "$(cat before)" = 1 ] || { echo "the run did not start" >&2; cat master.log >&2; exit 1; }
sleep 1
worker >late.log 2>&1 &
count started late.log >late
sleep 3
started=$(grep -cx started first.log || true) stopped=$(grep -cx stopped first.log || true)
complete=$(grep -cx spawning_complete first.log || true) late=$(grep -cx started late.log || true)
echo "first worker: $started started, $stopped stopped, spawning_complete $complete time(s)"
echo "late worker:  $late started"
if [ "$started $stopped $complete $late" != "4 2 2 2" ]; then
    echo "CHANGED: a late worker is no longer given users in this way" >&2
    exit 1
fi
