"""Check what a plant's file names, before anything starts: bundles, sources, folders, addresses.

``check`` is the whole of it; ``check_sources``, ``check_places`` and ``check_told`` are parts. It
opens what the station would open, and leaves nothing behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rattle.errors import BundleError
from rattle.runtime.scorer import Scorer
from rattle.station.config.check_places import data_findings, database_findings, web_findings
from rattle.station.config.check_sources import source_findings
from rattle.station.config.check_told import told_findings
from rattle.station.config.finding import Finding
from rattle.station.config.model import Machine, Plant


def check(plant: Plant) -> list[Finding]:
    """List what will not work, in the order of the file.

    Cameras are not called: whether they answer now says little of tomorrow.
    """
    findings = [*data_findings(plant), *database_findings(plant), *web_findings(plant)]
    findings += told_findings(plant)
    channels = {}
    for at, machine in enumerate(plant.machine):
        scorer, found = _scorer(machine, f"machine[{at}].bundle")
        findings += [*found, *_unused(machine, f"machine[{at}].running_above_dbfs")]
        channels[machine.name] = 0 if scorer is None else scorer.recipe.audio.channel
    return [*findings, *source_findings(plant, channels)]


def _scorer(machine: Machine, key: str) -> tuple[Scorer | None, list[Finding]]:
    try:
        scorer = Scorer.load(machine.bundle)
    except BundleError as error:
        return None, [Finding("error", key, str(error), *error.arguments[:1])]
    return scorer, list(_namesake(machine, scorer.info.machine, key))


def _namesake(machine: Machine, trained: str, key: str) -> Iterator[Finding]:
    if _letters(machine.name) != _letters(trained):
        yield Finding(
            "warning",
            key,
            f"{machine.bundle} was trained on {trained}, the machine here is called "
            f"{machine.name}; check that it is the same one",
        )


def _unused(machine: Machine, key: str) -> Iterator[Finding]:
    if machine.running_above_dbfs is not None and machine.running != "by level":
        yield Finding(
            "warning",
            key,
            f'is not looked at where running is "{machine.running}"; set running = "by level", or '
            "take this key out",
        )


def _letters(name: str) -> str:
    """Keep letters and digits: ``fan/id_00`` may be called ``Fan id 00`` in a plant."""
    return re.sub(r"[\W_]", "", name).casefold()
