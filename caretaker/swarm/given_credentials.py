"""A password that was given for one ACS goes to no other host, whatever the web UI names."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple, Self

from caretaker.http.endpoint import Address

if TYPE_CHECKING:
    from locust.env import Environment

_log = logging.getLogger(__name__)


class GivenCredentials(NamedTuple):
    """The credentials of the command line, and the ACS that they were given for."""

    acs: Address
    username: str | None
    password: str | None

    @classmethod
    def of(cls, environment: Environment) -> Self:
        """Those of the environment, before the web UI has changed it."""
        options = vars(environment.parsed_options)
        acs = Address.of(environment.host or "")
        return cls(acs, options.get("acs_username"), options.get("acs_password"))

    def put(self, environment: Environment) -> None:
        """
        Put them among the options of the next run, if its ACS is the one that they are for.

        The web UI can name another ACS, whose workers do not even receive them.
        """
        acs = Address.of(environment.host or "")
        is_same = acs.host == self.acs.host and acs.scheme >= self.acs.scheme  # no https to http
        username, password = (self.username, self.password) if is_same else (None, None)
        vars(environment.parsed_options).update(acs_username=username, acs_password=password)
        if not is_same and (self.username or self.password):
            _log.warning(
                "--acs-username and --acs-password were given for %s, so %s is not shown them; "
                "name it with --host at the start",
                *(self.acs.host, acs.host),
            )
