"""Prosody and ejabberd of Debian, each with a folder, an account and a port of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import trustme

from helpers.processes import free_port
from helpers.waiting import wait_until

DOMAIN = "example.org"


class RealServer(NamedTuple):
    """A server that runs: its port, the CA of its certificate, and what makes accounts in it."""

    port: int
    ca: trustme.CA
    make_accounts: Callable[[str, str], None]
    """Takes the accounts as ``xmpp-accounts`` writes them for it, and one more as ``name:word``."""


@contextmanager
def _folder(user: str) -> Iterator[tuple[Path, trustme.CA]]:
    """A folder that the user of a server can use, with a certificate."""
    ca = trustme.CA()
    # ejabberd's timers know no such far end as that of trustme's own choice.
    made = ca.issue_cert(DOMAIN, not_after=datetime.now(UTC) + timedelta(days=7))
    # The folder of the tests' temporary files is closed to other users.
    with tempfile.TemporaryDirectory(prefix=f"{user}-", dir="/tmp") as name:
        folder = Path(name)
        (folder / "key.pem").write_bytes(made.private_key_pem.bytes())
        (folder / "crt.pem").write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
        (folder / "both.pem").write_bytes(made.private_key_and_cert_chain_pem.bytes())
        if os.geteuid() == 0:
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, user, user)
        yield folder, ca


@contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    log = (folder / "out.log").open("wb")
    process = subprocess.Popen(
        command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder
    )
    try:
        wait_until(lambda: _listens(port), lambda: (folder / "out.log").read_text()[-2000:])
        yield
    finally:
        process.terminate()
        process.wait()
        log.close()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextmanager
def prosody() -> Iterator[RealServer]:
    """Prosody."""
    port = free_port()
    with _folder("prosody") as (folder, ca):
        config = folder / "prosody.cfg.lua"
        config.write_text(
            f"""
run_as_root = true
daemonize = false
pidfile = "{folder}/prosody.pid"
data_path = "{folder}"
admin_socket = "{folder}/admin.sock"
modules_enabled = {{ "saslauth", "tls", "admin_shell", "ping" }}
modules_disabled = {{ "s2s", "posix" }}
authentication = "internal_hashed"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
s2s_ports = {{ }}
c2s_require_encryption = true
log = {{ warn = "*console" }}
VirtualHost "{DOMAIN}"
  ssl = {{ key = "{folder}/key.pem"; certificate = "{folder}/crt.pem" }}
"""
        )

        def make_accounts(written: str, one: str) -> None:
            name, _, word = one.partition(":")
            subprocess.run(
                ["prosodyctl", "--config", config, "shell"],
                input=f'{written}user:create("{name}@{DOMAIN}", "{word}")\n',
                text=True, check=True, capture_output=True, timeout=120,
            )  # fmt: skip

        with _running(["prosody", "--config", str(config)], folder, port):
            yield RealServer(port, ca, make_accounts)


@contextmanager
def ejabberd() -> Iterator[RealServer]:
    """ejabberd; as root it becomes its own user."""
    port, control = free_port(), free_port()
    with _folder("ejabberd") as (folder, ca):
        (folder / "ejabberd.yml").write_text(
            f"""
hosts: ["{DOMAIN}"]
loglevel: warning
certfiles: ["{folder}/both.pem"]
listen:
  - {{port: {port}, ip: "127.0.0.1", module: ejabberd_c2s, starttls_required: true, backlog: 99}}
auth_method: internal
auth_password_format: scram
modules: {{mod_admin_extra: {{}}}}
"""
        )
        (folder / "ejabberdctl.cfg").write_text(f"ERL_DIST_PORT={control}\n")
        (folder / "inetrc").write_text("")
        command = [
            "ejabberdctl", "--config-dir", str(folder), "--config", f"{folder}/ejabberd.yml",
            "--ctl-config", f"{folder}/ejabberdctl.cfg", "--logs", str(folder),
            "--spool", f"{folder}/spool", "--node", f"node{port}@127.0.0.1",
        ]  # fmt: skip

        def control_by(*arguments: str) -> None:
            subprocess.run(
                [*command, *arguments], check=True, capture_output=True, timeout=120, cwd=folder
            )

        def make_accounts(written: str, one: str) -> None:
            (folder / "accounts.xml").write_text(written)
            (folder / "accounts.xml").chmod(0o644)
            control_by("import_piefxis", f"{folder}/accounts.xml")
            control_by("register", one.partition(":")[0], DOMAIN, one.partition(":")[2])

        with _running([*command, "foreground"], folder, port):
            try:
                yield RealServer(port, ca, make_accounts)
            finally:
                control_by("stop")


SERVERS = {"prosody": ("prosodyctl", prosody), "ejabberd": ("ejabberdctl", ejabberd)}
"""By the name that ``xmpp-accounts`` knows: the command that is there with it, and what runs it."""
