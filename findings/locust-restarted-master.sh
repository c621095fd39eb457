#!/usr/bin/env bash
# Version: Locust 2.47.0.
# Good guess: a master that is started again on its port gets its workers back: they still run, their
#     ZeroMQ connection is made anew by itself, and they report every three seconds.
# Seen: the new master discards what they report ("unrecognized worker") and never counts them. The
#     workers are not told and do not register again.
# Output seen:
#     first master:  1 worker ready
#     second master: 0 workers ready, reports discarded: yes, gave up: yes, worker still running: yes
# Why it matters: after a crash of the master its workers must be started again too. Until they end by
#     themselves, they may go on with the load of the run that is over.
# Needs: bash, python3 >= 3.11 with venv. Takes some 25 s. Another version of Locust: give it as the
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

    @task
    def hold(self):
        pass
PYTHON
locust() { exec venv/bin/locust -f locustfile.py "$@"; }
master() {
    locust --headless --master --master-bind-host 127.0.0.1 --master-bind-port "$port" \
        --users 1 --spawn-rate 1 --expect-workers 1 --expect-workers-max-wait 10 --run-time 30s
}

locust --worker --master-host 127.0.0.1 --master-port "$port" >worker.log 2>&1 &
worker=$!
master >first.log 2>&1 &
first=$!
for _ in $(seq 200); do
    grep -q "All users spawned" first.log && break
    sleep 0.1
done
sleep 3 # for a heartbeat or two
kill -KILL "$first"
wait "$first" 2>/dev/null || true
(master) >second.log 2>&1 || true

yes_if() { if "$@" >/dev/null 2>&1; then echo yes; else echo no; fi; }
before=$(grep -c "reported as ready" first.log || true)
after=$(grep -c "reported as ready" second.log || true)
discarded=$(yes_if grep "Discarded report from unrecognized worker" second.log)
gave_up=$(yes_if grep "Gave up waiting for workers" second.log)
alive=$(yes_if kill -0 "$worker")
echo "first master:  $before worker ready"
echo "second master: $after workers ready, reports discarded: $discarded, gave up: $gave_up," \
    "worker still running: $alive"
if [ "$before $after $discarded $gave_up $alive" != "1 0 yes yes yes" ]; then
    echo "CHANGED: a restarted master and its workers treat each other otherwise" >&2
    exit 1
fi
