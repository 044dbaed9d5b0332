"""Find the machines that were enrolled, when the station starts.

Its file is its owner's: what that names counts before what was enrolled. A machine that cannot be
read any more, since a variable is not set, is left out and said; the others are listened to.
"""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy.orm import Session

from rattle.errors import ConfigError
from rattle.station.config.model import Plant
from rattle.station.enrol.pieces import FOLDER
from rattle.station.enrol.wanted import machine_of
from rattle.station.plant.roster import Roster
from rattle.station.store.enrolments import adopt, enrolments

_log = logging.getLogger(__name__)


def take_enrolled(session: Session, roster: Roster, node: str, now: datetime) -> dict[str, str]:
    """Add to the roster what was enrolled by the station ``node``; says what is wrong, by name."""
    adopt(session, node, [path.name for path in (roster.file.data / FOLDER).glob("*")], now)
    wrong = {}
    for each in enrolments(session, node):
        if each.state != "accepted":
            continue
        why = _already_named(roster.plant, each.name, each.config)
        if not why:
            try:
                bundle = roster.file.data / str(each.config["bundle"])
                roster.add(machine_of(each.config, bundle))
                continue
            except ConfigError as error:
                why = f"{'; '.join(str(error).splitlines())}. It is not listened to until then"
        _log.warning("%s, which was enrolled: %s", each.name, why)
        wrong[each.name] = why
    return wrong


def _already_named(plant: Plant, name: str, config: object) -> str:
    names = {machine.name.casefold() for machine in plant.machine}
    if name.casefold() in names:
        return "plant.toml names it, too, and counts; remove what was enrolled on the settings page"
    sources = config["sources"] if isinstance(config, dict) else []
    taken = {source.name.casefold() for machine in plant.machine for source in machine.sources}
    for source in sources:
        if str(source["name"]).casefold() in taken:
            return (
                f"plant.toml has a source {source['name']}, too, and counts; give that one another "
                "name, or remove what was enrolled on the settings page"
            )
    return ""
