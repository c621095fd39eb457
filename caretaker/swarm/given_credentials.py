"""A password that was given for one ACS goes to no other host, whatever the web UI names."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Self

from caretaker.http.endpoint import Address
from caretaker.swarm.options import OPTIONS

if TYPE_CHECKING:
    from locust.env import Environment

_log = logging.getLogger(__name__)


SECRETS = tuple(name for name, declared in OPTIONS.items() if declared.secret)
"""Names of options that workers get by a message of ours, and Locust never sees."""


class GivenCredentials(NamedTuple):
    """The credentials of the command line, and the ACS that they were given for."""

    acs: Address
    username: str | None
    secrets: Mapping[str, str | None]
    """By name, all of ``SECRETS``; that of the XMPP account is not shown to any ACS."""

    @classmethod
    def take(cls, environment: Environment) -> Self:
        """
        Take those of the environment, before the web UI has changed it.

        The secrets do not stay among the options, which Locust sends and shows.
        """
        options = vars(environment.parsed_options)
        acs = Address.of(environment.host or "")
        secrets = {name: options.pop(name, None) for name in SECRETS}
        return cls(acs, options.get("acs_username"), secrets)

    def are_for(self, environment: Environment) -> bool:
        """Whether the next run has the ACS that they are for; the web UI can name another."""
        acs = Address.of(environment.host or "")
        return acs.host == self.acs.host and acs.scheme >= self.acs.scheme  # no https to http

    def put(self, environment: Environment) -> Mapping[str, str | None]:
        """
        Put the username among the options of the next run, and return the secrets of that run.

        None for the ACS is among them if it is not the one that they are for, as the web UI can
        name another.
        """
        is_same = self.are_for(environment)
        vars(environment.parsed_options)["acs_username"] = self.username if is_same else None
        if is_same:
            return self.secrets
        if self.username or self.secrets["acs_password"]:
            _log.warning(
                "--acs-username and --acs-password were given for %s, so %s is not shown them; "
                "name it with --host at the start",
                *(self.acs.host, Address.of(environment.host or "").host),
            )
        return {**self.secrets, "acs_password": None}
