#!/usr/bin/env bash
# Version: Locust 2.47.0.
# Good guess: a master takes the messages of its workers at any time, also while it moves users.
# Seen: when a worker quits, the greenlet that reads all messages begins the new dispatch itself, and
#     waits in it until the others have reported their users, which it could only read afterwards. So
#     it always waits its whole second, and what the other workers say meanwhile is taken after that.
# Output seen (a worker that says something 20 times a second; the other one quits):
#     longest silence while nobody quits: 0.1 s
#     longest silence when a worker quits: 1.0 s
#     log: Spawning is complete and report waittime is expired, but not all reports received
# Why it matters: workers that end together, as at Ctrl-C, are gone before their last word is read.
# Needs: bash, python3 >= 3.11 with venv. Takes some 30 s. Another version of Locust: give it as the
#     first argument.
set -euo pipefail

work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check "locust==${1:-2.47.0}" gevent==26.9.0
cd "$work"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >locustfile.py <<'PYTHON'
import time

import gevent
from locust import User, constant, events, task
from locust.runners import MasterRunner, WorkerRunner

heard = []


class Holder(User):
    wait_time = constant(1)

    @task
    def hold(self):
        pass


def listen(environment, msg):
    heard.append(time.monotonic())


def say(runner):
    while True:
        runner.send_message("here")
        gevent.sleep(0.05)


def longest(begin, end):
    times = [begin, *(at for at in heard if begin < at < end), end]
    return max(later - earlier for earlier, later in zip(times, times[1:]))


def watch(runner):
    while runner.state != "running" or len(heard) < 20:
        gevent.sleep(0.05)
    begin = time.monotonic()
    gevent.sleep(4)
    print(f"quiet {longest(begin, time.monotonic()):.1f}", flush=True)
    begin = time.monotonic()
    while len(runner.clients) == 2:
        gevent.sleep(0.05)
    gevent.sleep(3)
    print(f"quits {longest(begin, time.monotonic()):.1f}", flush=True)


@events.init.add_listener
def begin(environment, runner, **_):
    if isinstance(runner, MasterRunner):
        runner.register_message("here", listen)
        gevent.spawn(watch, runner)
    elif isinstance(runner, WorkerRunner) and environment.parsed_options.tags:
        gevent.spawn(say, runner)
PYTHON
locust() { exec venv/bin/locust -f locustfile.py "$@"; }
worker() { locust --worker --master-host 127.0.0.1 --master-port "$port" "$@"; }
wait_for() {
    for _ in $(seq 300); do
        grep -q "$1" master.log && return
        sleep 0.1
    done
    cat master.log >&2
    exit 1
}

locust --headless --master --master-bind-host 127.0.0.1 --master-bind-port "$port" \
    --expect-workers 2 --users 6 --spawn-rate 6 --run-time 60s >master.log 2>&1 &
worker --tags talks >talks.log 2>&1 &
worker >quits.log 2>&1 &
quitting=$!
wait_for "^quiet"
kill -TERM "$quitting"
wait_for "^quits"
quiet=$(sed -n 's/^quiet //p' master.log)
quits=$(sed -n 's/^quits //p' master.log)
echo "longest silence while nobody quits: $quiet s"
echo "longest silence when a worker quits: $quits s"
expired="Spawning is complete and report waittime is expired, but not all reports received"
if grep -q "$expired" master.log; then echo "log: $expired"; fi
if ! python3 -c "import sys; sys.exit(not ($quits >= 0.9 > $quiet))" || ! grep -q "$expired" master.log; then
    echo "CHANGED: the master reads on while it moves users" >&2
    exit 1
fi
