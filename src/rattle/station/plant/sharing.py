"""Share machines out among the stations that could listen to them.

Each station computes the same from the same rows, so they need not talk to each other. A machine
goes to the station that is first by a hash of both (rendezvous hashing, Thaler and Ravishankar
1998) and has not its share yet: where a station dies or comes back, few others' machines move.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping


def share_out(could: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Choose a station for each machine; ``could`` are the stations that could, by machine.

    No station gets more than its share, rounded up, of the machines that it could listen to. A
    machine that no station could is left out.

    >>> sorted(share_out({"a": ["x", "y"], "b": ["x", "y"], "c": ["y"], "d": []}).items())
    [('a', 'y'), ('b', 'x'), ('c', 'y')]
    """
    share: dict[str, float] = {}
    for stations in could.values():
        for station in stations:
            share[station] = share.get(station, 0.0) + 1 / len(stations)
    chosen: dict[str, str] = {}
    count = dict.fromkeys(share, 0)
    # Those that few could listen to come first: the others have a choice.
    for machine in sorted(could, key=lambda each: (len(could[each]), each)):
        ranked = sorted(could[machine], key=lambda station: _rank(machine, station), reverse=True)
        room = [each for each in ranked if count[each] < math.ceil(share[each] - 1e-9)]
        for station in (room or ranked)[:1]:
            chosen[machine] = station
            count[station] += 1
    return chosen


def _rank(machine: str, station: str) -> bytes:
    return hashlib.sha256(f"{machine}\n{station}".encode()).digest()
