"""``./scripts/compare-acs URL``: the embedded ACS and a GenieACS side by side."""

from __future__ import annotations

import argparse
import secrets
import sys
from urllib.parse import urlsplit

from caretaker.acs import ACSServer
from caretaker.errors import InputError
from compare_acs.answers import Answer, Target, answers_of


def main(arguments: list[str] | None = None) -> int:
    """Compare; 0 if all answers are the same, 1 if not, 2 for an ACS that can't be reached."""
    parser = argparse.ArgumentParser("compare-acs", description=__doc__)
    parser.add_argument("url", metavar="URL", help="of a GenieACS, as http://acs:7547/")
    parser.add_argument(
        "--nbi-url", help="its north-bound API (default: port 7557 of the same host)"
    )
    parser.add_argument(
        "--cr-host",
        default="127.0.0.1",
        help="address of this machine where it can reach a CPE (default: 127.0.0.1)",
    )
    options = parser.parse_args(arguments)
    nbi_url = options.nbi_url or f"http://{urlsplit(options.url).hostname}:7557"
    first_index = secrets.randbelow(900_000)  # an earlier comparison may have left its device
    try:
        theirs = answers_of(Target(options.url, nbi_url.rstrip("/")), options.cr_host, first_index)
        with ACSServer(cr_client="genieacs") as acs:
            ours = answers_of(Target(acs.url, acs.north_bound_url), "127.0.0.1", first_index)
    except InputError as error:
        print(f"compare-acs: {error}", file=sys.stderr)
        return 2
    return report(ours, theirs)


def report(ours: dict[str, Answer], theirs: dict[str, Answer]) -> int:
    """Print each step, and how the answers to it differ; 1 if some do, else 0."""
    different = [step for step, answer in ours.items() if theirs[step] != answer]
    for step, answer in ours.items():
        print(f"{'DIFFERS' if step in different else 'same':8} {step}: {answer.status}")
        for part, mine, other in zip(Answer._fields, answer, theirs[step], strict=True):
            if mine != other:
                print(f"         {part}\n           embedded {mine}\n           theirs   {other}")
    print(f"{len(ours)} requests, {len(different)} answers differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
