"""Say what happens in the demo, and when: the first fault within seconds, all kinds in two minutes.

Afterwards some machine is faulty for a minute every few minutes, for as long as anyone watches.
"""

from __future__ import annotations

import numpy as np

from rattle.station.demo.machines import MACHINES, SEED
from rattle.station.demo.sound import Fault
from rattle.station.demo.source import Trouble
from rattle.synthetic import FAULTS_OF_TYPE

# Of the first minutes, by machine.
FIRST = {
    "Feed pump 1": (Fault("bearing_outer", 1.0, 20.0, 75.0),),
    "Dosing valve": (Fault("leak", 1.0, 95.0, 150.0),),
}
TROUBLES = {
    "Exhaust fan": (Trouble("unplugged", 30.0, 100.0),),
    "Feed pump 2": (Trouble("lost", 45.0, 130.0),),
}
# From then on, faults at random: so far apart, in seconds, and so long; for a day.
LATER_FROM_S, APART_S, LENGTH_S, DAY_S = 240.0, (150.0, 420.0), (40.0, 90.0), 86_400.0


def faults() -> dict[str, list[Fault]]:
    """List each machine's faults, in order of time."""
    rng = np.random.default_rng(SEED)
    of: dict[str, list[Fault]] = {each.name: list(FIRST.get(each.name, ())) for each in MACHINES}
    at_s = LATER_FROM_S
    while at_s < DAY_S:
        machine = MACHINES[int(rng.integers(len(MACHINES)))]
        kinds = FAULTS_OF_TYPE[machine.type]
        kind = kinds[int(rng.integers(len(kinds)))]
        severity, length_s = float(rng.uniform(0.6, 1.0)), float(rng.uniform(*LENGTH_S))
        of[machine.name].append(Fault(kind, severity, at_s, at_s + length_s))
        at_s += float(rng.uniform(*APART_S))
    return of
