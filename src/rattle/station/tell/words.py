"""Put into words what a channel is told: title, text, link, and the facts for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from rattle.pages.words import counted
from rattle.station.store.reading.lately import Lately

Body = dict[str, Any]
MOST_NAMED = 12


@dataclass(frozen=True)
class Words:
    """How a plant speaks: its name, where its page is, and its time zone (None: the computer's)."""

    plant: str
    address: str
    zone: tzinfo | None = None

    def alarm(self, incident: Lately) -> Body:
        """Say that a machine sounds anomalous, or did."""
        said = f"{incident.machine} has sounded anomalous since {self.clock(incident.opened)}"
        if incident.ended is not None:
            said = f"{incident.machine} sounded anomalous {self._span(incident)}"
        return self._of(incident, f"Alarm: {incident.machine}", f"{said}. {_height(incident)}")

    def ended(self, incident: Lately) -> Body:
        """Say that an alarm is over, or that a source is heard again."""
        if incident.kind == "machine":
            title = f"Alarm over: {incident.machine}"
            said = f"{incident.machine} sounded anomalous {self._span(incident)}"
            if incident.state == "interrupted":
                said += ", when the station stopped listening"
            asks = "" if incident.verdict else " Listen to it and say what it was."
            return self._of(incident, title, f"{said}. {_height(incident)}{asks}")
        heard = "heard" if incident.kind == "source" else "fit to be judged"
        title = f"Heard again: {incident.source}"
        said = f"{incident.source} of {incident.machine} is {heard} again; it was not"
        return self._of(incident, title, f"{said} {self._span(incident)}.")

    def review(self, incident: Lately) -> Body:
        """Ask for a review."""
        said = f"Nobody has said yet what the alarm of {incident.machine} was,"
        title = f"To review: {incident.machine}"
        return self._of(incident, title, f"{said} {self._span(incident)}.")

    def source(self, incident: Lately) -> Body:
        """Say that a machine is not heard, or not as it should be."""
        heard = "heard" if incident.kind == "source" else "fit to be judged"
        since = f"since {self.clock(incident.opened)}"
        said = f"{incident.source} of {incident.machine} has not been {heard} {since}"
        if incident.ended is not None:
            said = f"{incident.source} of {incident.machine} was not {heard} {self._span(incident)}"
        reason = f": {incident.reason}" if incident.reason else ""
        title = f"{'No sound' if incident.kind == 'source' else 'Microphone'}: {incident.source}"
        return self._of(incident, title, f"{said}{reason}. Meanwhile no alarm can come of it.")

    def at_once(self, begin: datetime, incidents: Sequence[Lately]) -> Body:
        """Say that many machines sound odd at once."""
        names = list(dict.fromkeys(each.machine for each in incidents))
        more = len(names) - MOST_NAMED
        listed = ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        what = f"{counted(len(names), 'machine')} at once"
        return {
            "title": f"{what} in {self.plant}",
            "text": f"{counted(len(incidents), 'incident')} since {self.clock(begin)}: {listed}. "
            "Machines that sound odd at the same time have a cause in common, such as the mains, "
            "the ventilation, or works in the hall.",
            "link": f"{self.address}/incidents",
            "begin": begin.isoformat(),
            "incidents": [each.id for each in incidents],
        }

    def trouble(self, what: str) -> Body:
        """Say what is wrong with the station itself."""
        return {
            "title": f"Station of {self.plant}: no recording can be kept",
            "text": f"{what} Scores and alarms go on.",
            "link": f"{self.address}/health",
        }

    def clock(self, at: datetime) -> str:
        """Write a time by the clock of the plant."""
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def _span(self, incident: Lately) -> str:
        assert incident.ended is not None  # noqa: S101 - who asks knows that it is over
        until = incident.ended.astimezone(self.zone)
        is_same_day = until.date() == incident.opened.astimezone(self.zone).date()
        end = f"{until:%H:%M}" if is_same_day else self.clock(incident.ended)
        return f"from {self.clock(incident.opened)} to {end}"

    def _of(self, incident: Lately, title: str, text: str) -> Body:
        facts: Mapping[str, Any] = {
            "id": incident.id,
            "machine": incident.machine,
            "source": incident.source,
            "kind": incident.kind,
            "level": incident.level,
            "state": incident.state,
            "opened": incident.opened.isoformat(),
            "ended": None if incident.ended is None else incident.ended.isoformat(),
            "peak": incident.peak,
            "threshold": incident.threshold,
            "verdict": incident.verdict,
        }
        link = f"{self.address}/incidents/{incident.id}"
        return {"title": title, "text": text.strip(), "link": link, "incident": facts}


def _height(incident: Lately) -> str:
    if incident.peak is None:
        return ""
    said = f"At its highest the score was {incident.peak:.3g}"
    if incident.threshold is not None:
        said += f"; the {incident.level} begins at {incident.threshold:.3g}"
    return f"{said}."
