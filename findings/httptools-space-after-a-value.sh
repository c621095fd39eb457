#!/usr/bin/env bash
# Version: httptools 0.9.0.
# Good guess: on_header gets a header's value without the white space around it, which is no part of
#     the value (RFC 9110, 5.5).
# Seen: white space before the value is gone, white space behind it is left in the value.
# Output seen:
#     Connection: b'close \t'
#     X-Device: b'17'
# Why it matters: "close \t" is not equal to "close", and "12 " is no number for a strict reader. The
#     half that is done makes the other half hard to notice.
# Needs: bash, python3 >= 3.11 with venv. Another version: give it as the first argument.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check "httptools==${1:-0.9.0}"
cat >"$work/show.py" <<'PYTHON'
import sys

import httptools


class Answer(dict):
    def on_header(self, name, value):
        self[name.decode()] = value
        print(f"{name.decode()}: {value}")


answer = Answer()
httptools.HttpResponseParser(answer).feed_data(
    b"HTTP/1.1 204 No Content\r\nConnection: \t close \t\r\nX-Device: \t 17\r\n\r\n"
)
if answer != {"Connection": b"close \t", "X-Device": b"17"}:
    sys.exit("CHANGED: white space around the value of a header is treated otherwise")
PYTHON
"$work/venv/bin/python" "$work/show.py"
