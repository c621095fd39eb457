#!/usr/bin/env bash
# Version: httptools 0.9.0.
# Good guess: should_keep_alive() may be asked when feed_data() has returned and the message is
#     complete; for a request that works.
# Seen: for a response it is right inside on_message_complete only. After feed_data() it says False
#     for an HTTP/1.1 answer with a length, which keeps its connection. A request still says True.
# Output seen:
#     response: in the callback True, after feed_data False
#     request:  in the callback True, after feed_data True
# Why it matters: a client that asks afterwards closes every connection after one answer. All works,
#     only slower, so no test of its answers finds it.
# Needs: bash, python3 >= 3.11 with venv. Another version: give it as the first argument.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check "httptools==${1:-0.9.0}"
cat >"$work/show.py" <<'PYTHON'
import sys

import httptools


class Message:
    inside = None

    def on_message_complete(self):
        self.inside = self.parser.should_keep_alive()


def ask(kind, data):
    message = Message()
    message.parser = kind(message)
    message.parser.feed_data(data)
    return message.inside, message.parser.should_keep_alive()


response = ask(
    httptools.HttpResponseParser, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
)
request = ask(httptools.HttpRequestParser, b"GET / HTTP/1.1\r\nHost: acs.example\r\n\r\n")
print("response: in the callback {}, after feed_data {}".format(*response))
print("request:  in the callback {}, after feed_data {}".format(*request))
if (response, request) != ((True, False), (True, True)):
    sys.exit("CHANGED: should_keep_alive() no longer depends on when it is asked as described")
PYTHON
"$work/venv/bin/python" "$work/show.py"
