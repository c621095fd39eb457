#!/usr/bin/env bash
# Version: Locust 2.47.0.
# Good guess: locust --processes ends when the workers that it has forked have ended, and looks at
#     their exit codes; its code has waitpid() with three seconds of patience and a log line for it.
# Seen: at its end it looks at each worker once and forgets those that still run. It exits with 0
#     seconds before workers that tidy up; they exit with 3, and nobody hears of it.
# Output seen:
#     locust: exit code 0; worker: exit code 3, still running when locust had ended: yes
# Why it matters: $(locust ...) and pipes wait for the forgotten workers, which hold their end open; what
#     they listen on stays taken for a next run; a worker's verdict on the run is lost.
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
import time

from locust import User, constant, events, task
from locust.runners import WorkerRunner


@events.init.add_listener
def init(environment, **_):
    if not isinstance(environment.runner, WorkerRunner):
        return

    @events.quitting.add_listener
    def verdict(environment, **_):
        environment.process_exit_code = 3

    @events.quit.add_listener
    def tidy_up(exit_code, **_):
        time.sleep(4)
        with open("worker.txt", "w") as file:
            file.write(str(exit_code))


class Holder(User):
    wait_time = constant(1)

    @task
    def hold(self):
        pass
PYTHON
code=0
venv/bin/locust -f locustfile.py --headless --processes 1 --users 1 --spawn-rate 1 --run-time 2s \
    --master-bind-host 127.0.0.1 --master-bind-port "$port" --master-port "$port" \
    >run.log 2>&1 || code=$?
running=yes
[ ! -e worker.txt ] || running=no
for _ in $(seq 100); do
    [ ! -e worker.txt ] || break
    sleep 0.1
done
sleep 0.5
worker=$(cat worker.txt 2>/dev/null || echo unknown)
echo "locust: exit code $code; worker: exit code $worker, still running when locust had ended: $running"
if [ "$code $worker $running" != "0 3 yes" ]; then
    echo "CHANGED: locust --processes takes account of its workers at its end" >&2
    exit 1
fi
