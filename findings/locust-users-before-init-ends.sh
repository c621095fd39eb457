#!/usr/bin/env bash
# Version: Locust 2.47.0.
# Good guess: listeners to the init event make ready what users need, and users start when they are
#     done.
# Seen: a worker has told the master that it is ready before it fires init. When a listener waits for
#     something (a file, an answer), test_start is fired and users start in the middle of it.
# Output seen (order of events in the worker):
#     init begins, test_start, user starts, init ends
# Why it matters: users find half of what they need. With listeners that are quick all goes well until
#     a worker joins a run late, or is slow, so it shows as a rare error in large runs.
# Needs: bash, python3 >= 3.11 with venv. Takes some 10 s. Another version of Locust: give it as the
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

from locust import User, constant, events, task
from locust.runners import WorkerRunner


def tell(what):
    with open("events.txt", "a") as file:
        file.write(what + "\n")


@events.init.add_listener
def init(environment, **_):
    if isinstance(environment.runner, WorkerRunner):
        tell("init begins")
        time.sleep(4)  # for a slow answer; Locust has patched it to let others go on
        tell("init ends")


@events.test_start.add_listener
def start(environment, **_):
    if isinstance(environment.runner, WorkerRunner):
        tell("test_start")


class Holder(User):
    wait_time = constant(1)

    def on_start(self):
        tell("user starts")

    @task
    def hold(self):
        pass
PYTHON
venv/bin/locust -f locustfile.py --headless --processes 1 --users 1 --spawn-rate 1 --run-time 5s \
    --master-bind-host 127.0.0.1 --master-bind-port "$port" --master-port "$port" >run.log 2>&1
seen=$(paste -sd, events.txt | sed 's/,/, /g')
echo "$seen"
if [ "$seen" != "init begins, test_start, user starts, init ends" ]; then
    echo "CHANGED: the order of init and the start of users is another" >&2
    exit 1
fi
