#!/usr/bin/env bash
# Version: httptools 0.9.0.
# Good guess: an answer without a length ends where its connection is closed (RFC 9112, 6.3), and the
#     parser is told so by what recv() gives then: feed_data(b"").
# Seen: the parser has no call for the end of a connection. feed_data(b"") calls on_body with no
#     bytes, and on_message_complete is never called.
# Output seen:
#     callbacks: headers, body b'hello', body b''
#     calls for the end: none
# Why it matters: a client that waits for on_message_complete waits for ever on answers of old
#     servers. It must judge by itself whether a closed connection ends an answer or cuts it off.
# Needs: bash, python3 >= 3.11 with venv. Another version: give it as the first argument.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check "httptools==${1:-0.9.0}"
cat >"$work/show.py" <<'PYTHON'
import sys

import httptools


class Answer(list):
    def on_headers_complete(self):
        self.append("headers")

    def on_body(self, data):
        self.append(f"body {data}")

    def on_message_complete(self):
        self.append("complete")


answer = Answer()
parser = httptools.HttpResponseParser(answer)
parser.feed_data(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello")
parser.feed_data(b"")
ends = [
    name
    for name in dir(parser)
    if name[0] != "_" and any(word in name for word in ("finish", "eof", "close"))
]
print("callbacks:", ", ".join(answer))
print("calls for the end:", ", ".join(ends) or "none")
if answer != ["headers", "body b'hello'", "body b''"] or ends:
    sys.exit("CHANGED: the end of a connection is treated otherwise")
PYTHON
"$work/venv/bin/python" "$work/show.py"
