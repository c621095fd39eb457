#!/usr/bin/env bash
# Version: lxml 6.1.3.
# Good guess: an XMLPullParser gives no more elements once it has met what fromstring() refuses, and
#     QName takes each element that a parser gives.
# Seen: a name of two colons is well-formed XML 1.0 but no name of XML namespaces. fromstring()
#     refuses it. The pull parser gives that element and all after it; its error comes with close().
#     QName of that element raises ValueError.
# Output seen:
#     fromstring: XMLSyntaxError
#     events: ['a:b:c', 'r']
#     QName: ValueError
#     close: XMLSyntaxError
# Why it matters: of a stream that never ends, as XMPP's, nobody calls close(). Who reads one sees
#     names that other code of lxml does not take.
# Needs: bash, python3 >= 3.11 with venv. Another version: give it as the first argument.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check "lxml==${1:-6.1.3}"
cat >"$work/show.py" <<'PYTHON'
import sys

from lxml import etree

TEXT = "<r><a:b:c/></r>"


def outcome(call):
    try:
        call()
    except ValueError:
        return "ValueError"
    except etree.XMLSyntaxError:
        return "XMLSyntaxError"
    return "no error"


parser = etree.XMLPullParser(("end",))
parser.feed(TEXT)
elements = [element for _, element in parser.read_events()]
seen = {
    "fromstring": outcome(lambda: etree.fromstring(TEXT)),
    "events": [element.tag for element in elements],
    "QName": outcome(lambda: etree.QName(elements[0])),
    "close": outcome(parser.close),
}
for name, value in seen.items():
    print(f"{name}: {value}")
if list(seen.values()) != ["XMLSyntaxError", ["a:b:c", "r"], "ValueError", "XMLSyntaxError"]:
    sys.exit("CHANGED: the pull parser or QName treats such a name otherwise")
PYTHON
"$work/venv/bin/python" "$work/show.py"
