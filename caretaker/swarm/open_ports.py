"""Which servers of a run other machines reach, in lines for its start (decision D10)."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Iterator

from caretaker.http.ip_addresses import bracketed, is_loopback
from caretaker.run_token import FLAG, VARIABLE, RunToken
from caretaker.swarm.option_addresses import ALL_ADDRESSES
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions
from caretaker.swarm.repeat_command import named

_LOCUST_PORT = 5557
_WITHOUT_LOGIN = "without a login: let only those of the test reach it"


def server_lines(locust: LocustOptions, settings: Settings, *, web_ui: bool) -> Iterator[str]:
    """
    A line on each server of the master: its address, who reaches it, and what changes that.

    Args:
        locust: options of Locust.
        settings: options of ours.
        web_ui: whether there is a web UI.
    """
    if web_ui:
        url = web_ui_url(locust)
        login = (
            "with its login" if locust.web_login else "without a login: --web-login asks for one"
        )
        if is_loopback(locust.web_host):
            every = _every(locust.web_host)
            yield f"Web UI: {url}, for this machine only; --web-host {every} opens it, {login}"
        else:
            yield f"Web UI: {url}, open to other machines {login}"
    if settings.metrics_port:
        url = f"http://{_shown(settings.metrics_host)}:{settings.metrics_port}/metrics"
        yield f"Metrics: {url}, {_reach(settings.metrics_host, '--metrics-host')}"
    if locust.master and not locust.processes:
        address = f"{_shown(locust.master_bind_host)}:{locust.master_bind_port}"
        reach = _reach(locust.master_bind_host, "--master-bind-host", "with the run token")
        yield f"Workers join at {address}, {reach}"


def web_ui_url(locust: LocustOptions) -> str:
    """The URL of the web UI."""
    scheme = "https" if locust.tls_cert else "http"
    return f"{scheme}://{_shown(locust.web_host)}:{locust.web_port}/"


def joining_lines(locust: LocustOptions, token: RunToken) -> Iterator[str]:
    """
    A line that starts a worker of a master whose workers are not forked.

    It shows a token that was made for this run, as nobody else could; never one that was given.

    Args:
        locust: options of Locust.
        token: of the run.
    """
    if not locust.master or locust.processes:
        return
    bound = locust.master_bind_host
    host = socket.gethostname() if bound in ALL_ADDRESSES else bound
    port = locust.master_bind_port
    at = ["--master-host", host, *([] if port == _LOCUST_PORT else ["--master-port", str(port)])]
    command = shlex.join(["caretaker", "run", *named(locust.locustfile), "--worker", *at])
    if token.is_made:
        yield f"A worker joins with: {VARIABLE}={token.text} {command}"
    else:
        yield f"A worker joins with the same run token ({VARIABLE} or {FLAG}) and: {command}"


def _shown(host: str) -> str:
    """A host as it stands in a URL."""
    return bracketed("0.0.0.0" if host in ("", "*") else host)  # noqa: S104  # shown only


def _every(host: str) -> str:
    """All addresses of the version that one is of."""
    return "::" if ":" in host else "0.0.0.0"  # noqa: S104  # shown only


def _reach(host: str, flag: str, who: str = _WITHOUT_LOGIN) -> str:
    if is_loopback(host):
        return f"for this machine only; {flag} {_every(host)} opens it"
    return f"open to other machines {who}"
