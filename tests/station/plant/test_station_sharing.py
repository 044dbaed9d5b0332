"""Machines are shared evenly, alike by all, and few move."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from rattle.station.plant.sharing import share_out

NAMES = st.text("abcdefgh", min_size=1, max_size=3)
COULD = st.dictionaries(NAMES, st.sets(st.sampled_from("vwxyz")), max_size=30)


@given(could=COULD)
def test_each_machine_that_anyone_could_listen_to_has_one_that_can(
    could: dict[str, set[str]],
) -> None:
    chosen = share_out(could)
    assert chosen.keys() == {machine for machine, stations in could.items() if stations}
    assert all(station in could[machine] for machine, station in chosen.items())


@given(machines=st.sets(NAMES, min_size=1, max_size=30), stations=st.sets(NAMES, min_size=1))
def test_no_station_has_more_than_its_share(machines: set[str], stations: set[str]) -> None:
    chosen = share_out(dict.fromkeys(machines, sorted(stations)))
    most = math.ceil(len(machines) / len(stations))
    for station in stations:
        assert sum(each == station for each in chosen.values()) <= most


@given(could=COULD)
def test_the_order_in_which_things_are_named_makes_no_difference(
    could: dict[str, set[str]],
) -> None:
    turned = {machine: sorted(could[machine], reverse=True) for machine in reversed([*could])}
    assert share_out(turned) == share_out({name: sorted(of) for name, of in could.items()})


def test_where_one_of_three_dies_hardly_any_machine_of_the_others_moves() -> None:
    machines = [f"machine {number}" for number in range(300)]
    before = share_out({name: ["one", "two", "three"] for name in machines})
    after = share_out({name: ["one", "two"] for name in machines})
    moved = [name for name in machines if before[name] != "three" and before[name] != after[name]]
    assert len(moved) < 30
