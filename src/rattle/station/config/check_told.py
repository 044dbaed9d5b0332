"""Check who is told: that what sends knows each address, and that links lead somewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from rattle.station.config.finding import Finding
from rattle.station.config.model import Plant
from rattle.station.config.texts import address_of, is_loopback
from rattle.station.config.told import Tell


def told_findings(plant: Plant) -> Iterator[Finding]:
    """Yield which addresses cannot be told to. Nothing is sent, and no server is called."""
    for at, tell in enumerate(plant.tell):
        reason = refusal(tell)
        if reason:
            yield Finding("error", f"tell[{at}].url", reason)
    if plant.tell and plant.web.address is None:
        address = address_of(plant.web.bind)
        assert address is not None  # noqa: S101 - the model has it checked
        if is_loopback(address[0]):
            yield Finding(
                "warning",
                "web.address",
                f"is not set: links in what is told lead to http://{plant.web.bind}, which opens "
                "on the station's own computer alone; set it to how people reach the page",
            )


def refusal(tell: Tell) -> str:
    """Say why a channel's address cannot be told to, without a secret; "" where it can.

    apprise refuses what it does not know without a word, and is loaded only where it is needed.
    """
    if tell.kind == "webhook":
        return ""
    import apprise

    _keep_to_itself(logging.getLogger("apprise"))
    if apprise.Apprise.instantiate(tell.url.get_secret_value()) is not None:
        return ""
    return (
        f"apprise knows no address {tell.kind}:// that is written like this one; see "
        "https://github.com/caronc/apprise/wiki for how each service is written"
    )


def _keep_to_itself(log: logging.Logger) -> None:
    """Let nothing of it get to the station's log: what it says of an address may be a secret."""
    if log.propagate:
        log.propagate = False
        log.addHandler(logging.NullHandler())
