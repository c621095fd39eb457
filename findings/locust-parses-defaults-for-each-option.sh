#!/usr/bin/env bash
# Version: Locust 2.47.0.
# Good guess: a worker that gets a message to spawn users compares the master's options with Locust's
#     defaults, which it has parsed once.
# Seen: for each option in each such message the worker makes a whole argument parser and parses the
#     defaults anew. The master sends such a message once a second during a ramp.
# Output seen:
#     2 messages to spawn users, 56 options each: defaults parsed 112 times, 0.12 s of CPU
# Why it matters: for each message no greenlet of the worker runs while that is done, the longer the
#     more options a locustfile adds: latencies measured in a ramp hold that pause.
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

from locust import User, argument_parser, constant, events, task
from locust.runners import WorkerRunner

parsed = messages = options = 0
seconds = 0.0
defaults = argument_parser.default_args_dict
handle = WorkerRunner.handle_message


def counting_defaults():
    global parsed, seconds
    parsed += 1
    began = time.process_time()
    found = defaults()
    seconds += time.process_time() - began
    return found


def counting_handle(self, message):
    global messages, options
    if message.type == "spawn":
        messages += 1
        options = len(message.data["parsed_options"])
    handle(self, message)


argument_parser.default_args_dict = counting_defaults
WorkerRunner.handle_message = counting_handle


@events.quitting.add_listener
def tell(environment, **_):
    if isinstance(environment.runner, WorkerRunner):
        with open("counts.txt", "w") as file:
            file.write(f"{messages} {options} {parsed} {seconds:.2f}\n")


class Holder(User):
    wait_time = constant(1)

    @task
    def hold(self):
        pass
PYTHON
venv/bin/locust -f locustfile.py --headless --processes 1 --users 2 --spawn-rate 1 --run-time 4s \
    --master-bind-host 127.0.0.1 --master-bind-port "$port" --master-port "$port" >run.log 2>&1
read -r messages options parsed seconds <counts.txt
echo "$messages messages to spawn users, $options options each: defaults parsed $parsed times, $seconds s of CPU"
if [ "$messages" -lt 1 ] || [ "$options" -lt 20 ] || [ "$parsed" != $((messages * options)) ]; then
    echo "CHANGED: the defaults are no longer parsed once for each option" >&2
    exit 1
fi
