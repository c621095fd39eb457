#!/usr/bin/env bash
# Version: Locust 2.47.0.
# Good guess: POST /swarm of a master without workers answers that nothing can be started, as it does
#     for a number of users that is none.
# Seen: status 200, success true, "Swarming started". The master logs a warning and starts nothing.
# Output seen:
#     users "many":  200, success False
#     no workers:    200, success True, Swarming started
#     state of the master, a second later: ready, 0 users
# Why it matters: a script that starts a run through the web UI must not take "success" for a start;
#     it must look at the state afterwards, or count workers before.
# Needs: bash, python3 >= 3.11 with venv. Another version of Locust: give it as the first argument.
set -euo pipefail

work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check "locust==${1:-2.47.0}" gevent==26.9.0
cd "$work"
cat >show.py <<'PYTHON'
import gevent.monkey

gevent.monkey.patch_all()

import socket
import sys

import gevent
from locust import User, constant, task
from locust.env import Environment


class Holder(User):
    wait_time = constant(1)

    @task
    def hold(self):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


environment = Environment(user_classes=[Holder])
runner = environment.create_master_runner("127.0.0.1", free_port())
web = environment.create_web_ui("127.0.0.1", 0, delayed_start=True).app.test_client()
wrong = web.post("/swarm", data={"user_count": "many", "spawn_rate": "1"})
start = web.post("/swarm", data={"user_count": "5", "spawn_rate": "5"})
gevent.sleep(1)
print(f'users "many":  {wrong.status_code}, success {wrong.json["success"]}')
print(f"no workers:    {start.status_code}, success {start.json['success']}, {start.json['message']}")
print(f"state of the master, a second later: {runner.state}, {runner.user_count} users")
seen = (wrong.json["success"], start.status_code, start.json["success"], runner.state)
if seen != (False, 200, True, "ready"):
    sys.exit("CHANGED: /swarm answers otherwise when there are no workers")
PYTHON
venv/bin/python -W ignore show.py 2>run.log || { cat run.log >&2; exit 1; }
