"""Templates: texts with fields such as ``{serial}``, of which each CPE makes its own value."""

from __future__ import annotations

from string import Formatter

TEMPLATE = "template"
"""The source whose values are templates."""
FIELDS = ("serial", "index", "oui", "product_class", "mac", "mac_tail", "ip", "secret")
"""The fields of a template; ``device.values`` computes each."""


def check_template(text: str) -> None:
    """
    Check that a text is a template: fields such as ``{serial}`` or ``{index:08d}``, and text.

    Raises:
        ValueError: the text is no template; the message says why.
    """
    for _, name, spec, conversion in Formatter().parse(text):
        if name is None:
            continue
        if name not in FIELDS or conversion:
            raise ValueError(f"no {{{name}}}; there are {', '.join(FIELDS)}")
        sample: str | int = 0 if name == "index" else "text"
        format(sample, spec or "")
