"""Templates: values that are made for each CPE of a text with fields, such as ``{serial}``."""

from __future__ import annotations

from string import Formatter

TEMPLATE = "template"
"""The source whose values are templates."""
FIELDS = ("serial", "index", "oui", "product_class", "mac", "mac_tail", "ip", "secret")
"""The fields of a template; ``device.values`` computes each."""


def check_template(text: str) -> None:
    """
    See that a text is a template: ``{serial}`` and the like, ``{index:08d}``, and text.

    Raises:
        ValueError: it is none; says why.
    """
    for _, name, spec, conversion in Formatter().parse(text):
        if name is None:
            continue
        if name not in FIELDS or conversion:
            raise ValueError(f"no {{{name}}}; there are {', '.join(FIELDS)}")
        sample: str | int = 0 if name == "index" else "text"
        format(sample, spec or "")
