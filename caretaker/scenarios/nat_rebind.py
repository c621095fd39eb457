"""The action ``nat_rebind``: NATs forget all bindings at once, and how the ACS hears of it."""

from __future__ import annotations

from caretaker.device import notifications
from caretaker.device.cpe import CPE
from caretaker.scenarios.action_target import ActionTarget

_ADDRESS = "UDPConnectionRequestAddress"
_BATCH = 100
"""CPEs that are looked at in one turn of the loop."""
_LOOK_SECONDS = 0.5
"""Between two looks at all CPEs that are still to report."""


def nat_rebind(target: ActionTarget, purpose: str, share: float) -> None:
    """Give the CPEs of a share that use STUN other bindings; those before lead nowhere."""
    if target.bindings is None:
        return
    now = target.clock()
    known = {
        index: address
        for index in target.chosen(share, purpose)
        if (address := target.shard.cpes[index].management_value(_ADDRESS, now))
    }
    rebound = [index for index in known if target.bindings.rebind((index,))]
    target.tally["nat_rebind.asked"] += len(rebound)
    target.greenlets.spawn(_watch, target, {index: known[index] for index in rebound})


def _watch(target: ActionTarget, unreported: dict[int, str]) -> None:
    """Count each CPE when the ACS has its new address."""
    while unreported:
        target.sleep(_LOOK_SECONDS)
        for place, (index, before) in enumerate(list(unreported.items())):
            cpe = target.shard.cpes.get(index)
            if cpe is None or has_reported(cpe, before, target.clock()):
                del unreported[index]
                target.tally["nat_rebind.done"] += cpe is not None
            if place % _BATCH == _BATCH - 1:
                target.sleep(0)


def has_reported(cpe: CPE, before: str, now: float) -> bool:
    """
    Whether the ACS has been told another UDPConnectionRequestAddress than this one.

    That takes an Inform which the ACS has answered, and so notification on that parameter.
    """
    path = cpe.profile.management_paths[_ADDRESS]
    is_new = cpe.value(path, now) not in ("", before)
    waiting = (*cpe.changed, *cpe.reported_changes)
    return is_new and path not in waiting and notifications.kind(cpe, path) > 0
