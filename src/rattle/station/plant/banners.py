"""Say at the top of every page what is wrong with the station or common to its machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from rattle.station.board import MachineNow
from rattle.station.health import Kept, StationSeen, Writing
from rattle.station.tell.at_once import COMMON, WITHIN


class Beginnings:
    """When the incidents of machines began that began within the last ten minutes, by their ids.

    Noted by one thread, read by others.
    """

    def __init__(self) -> None:
        self._of: dict[str, datetime] = {}

    def note(self, incident_id: str, opened: datetime, now: datetime) -> None:
        """Remember one; the same again is the same."""
        both = {**self._of, incident_id: opened}
        self._of = {each: at for each, at in both.items() if abs(now - at) <= WITHIN}

    def __call__(self) -> list[datetime]:
        """List them."""
        return list(self._of.values())


def gone(stations: Sequence[StationSeen]) -> tuple[str, ...]:
    """Say which stations died: those that ended in order had left all machines."""
    return tuple(
        f"The station {each.name} has not been there since {each.until:%Y-%m-%d %H:%M} UTC; see "
        "what became of it. Stations whose plant.toml names its machines, too, take them over."
        for each in stations
        if not each.is_there and each.machines
    )


def banners_of(
    writing: Writing,
    kept: Kept,
    failed: Mapping[str, str],
    machines: Sequence[MachineNow],
    opened: Sequence[datetime],
    now: datetime,
    refused: Mapping[str, str],
    enrolled: Mapping[str, str],
) -> tuple[str, ...]:
    """List them, the worst first.

    ``opened`` is when the newest incidents of machines began; ``refused`` says by machine why its
    bundle cannot be used, and the one before is; ``enrolled`` what is wrong with one that was
    enrolled.
    """
    said = []
    if writing.error:
        said.append(
            f"Nothing can be stored at the moment; {writing.waiting:,} records wait, and listening "
            f"goes on. {writing.error}"
        )
    if writing.full_disk:
        said.append(f"No recording can be kept; scores and alarms go on. {writing.full_disk}")
    elif kept.error:
        said.append(kept.error)
    said += [f"{name} failed and is tried again: {why}" for name, why in failed.items()]
    said += [
        f"{machine} is judged by the bundle that it had before; that of the file cannot be used: "
        f"{why}"
        for machine, why in refused.items()
    ]
    said += [f"{machine}, which was enrolled: {why}." for machine, why in enrolled.items()]
    recent = sum(now - each <= WITHIN for each in opened)
    if recent > COMMON:
        said.append(
            f"{recent} incidents within ten minutes: machines that sound odd at the same time have "
            "a cause in common, such as the mains, the ventilation, or works in the hall."
        )
    deaf = [m for m in machines if m.sources and all(s.state == "lost" for s in m.sources)]
    if machines and len(deaf) == len(machines) and len(deaf) > 1:
        said.append("No machine can be heard: look at the network before the microphones.")
    return tuple(said)
