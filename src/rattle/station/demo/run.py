"""Run the demo: a plant of four SYNTHETIC machines, listened to as real ones would be."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Event, Thread

from rattle.errors import RattleError
from rattle.listening.source import Source
from rattle.locked import locked
from rattle.station.clock import utc_now
from rattle.station.config.model import Machine, Plant
from rattle.station.config.model import Source as SourceFile
from rattle.station.demo.history import write_history
from rattle.station.demo.kit import unpack
from rattle.station.demo.machines import MACHINES, SEED
from rattle.station.demo.past import hear_past
from rattle.station.demo.script import TROUBLES, faults
from rattle.station.demo.sound import MachineSound
from rattle.station.demo.source import MAKER, MadeSource
from rattle.station.hear.sources import source_of
from rattle.station.plant.releases import Release
from rattle.station.serve import serve

_log = logging.getLogger(__name__)

PLANT = "Synthetic demo"
WORDS = """\
A plant of four SYNTHETIC machines; no real machine was recorded. What it heard before it was
started was computed beforehand, what happens from now on is heard and judged live:

  after 30 s   an alarm: a bearing of feed pump 1 is damaged
  after 1 min  the exhaust fan's microphone, which was unplugged, is an incident of its own
  after 2 min  the dosing valve leaks, and the camera at feed pump 2 has been lost for a minute
  later        a fault somewhere every few minutes
  after 15 min a day of sound of feed pump 1 and the dosing valve is stored, made anew in the
               background: what they learn from then on can be tried on it

Look at an incident, listen to it, say what it was: y anomaly, n normal, u unsure. Then look at what
its machine has learnt: the head that is offered there is yours to choose.
"""


def run_demo(to: Path, port: int) -> int:
    """Run it until Ctrl-C; ``to`` keeps what was heard and reviewed for the next time."""
    plant = demo_plant(to, port)
    with locked(to / "demo", "a demo"):
        for machine in MACHINES:
            if not (to / "bundles" / f"{machine.name}.rattle").exists():
                unpack(machine.name, to / "bundles" / f"{machine.name}.rattle")
        write_history(plant, utc_now())
        stop = Event()
        past = Thread(target=_hear_past, args=(plant, stop), name="past")
        past.start()
        try:
            return serve(plant, opens=DemoSources(plant.data), words=WORDS)
        finally:
            stop.set()
            past.join()


def _hear_past(plant: Plant, stop: Event) -> None:
    try:
        hear_past(plant, stop)
    except RattleError as error:  # the demo goes on without
        _log.warning("%s", error)


def demo_plant(to: Path, port: int) -> Plant:
    """What the demo's ``plant.toml`` would say."""
    return Plant.model_validate(
        {
            "plant": PLANT,
            "data": to / "data",
            "web": {"bind": f"127.0.0.1:{port}"},
            "machine": [
                {
                    "name": each.name,
                    "bundle": to / "bundles" / f"{each.name}.rattle",
                    "sources": [{"name": f"{each.name} sound", "url": f"synthetic://{each.type}"}],
                }
                for each in MACHINES
            ],
        }
    )


class DemoSources:
    """Makes the sound of the demo's machines; of one that was enrolled it opens what it names."""

    def __init__(self, data: Path) -> None:
        """``data`` is the station's folder."""
        self._data, self._faults = data, faults()

    def __call__(self, source: SourceFile, machine: Machine, release: Release) -> Source:
        made = next((each for each in MACHINES if each.name == machine.name), None)
        if made is None:
            return source_of(source, release.scorer.recipe.audio.channel, self._data)
        sound = MachineSound(made.specimen, SEED + 1, self._faults[machine.name])
        MAKER.submit(sound.prepare, 0).result()
        return MadeSource(source.place, sound, TROUBLES.get(machine.name, ()))
