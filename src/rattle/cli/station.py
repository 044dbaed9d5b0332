"""``rattle station``: listen to a plant's machines all the time, and show them on one page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rattle.cli.terminal.extra import taking_station

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rattle.station.config.finding import Finding
    from rattle.station.config.init import Bundles, NewMachine

# Of findings, so many are shown of a level.
SHOWN = 200
FIRST_FILE = Path("plant.toml")
DEMO_FOLDER, DEMO_PORT = Path("rattle-station-demo"), 8765


def station(
    *,
    config: Path | None = None,
    check: Path | None = None,
    init: Path | None = None,
    demo: bool = False,
    to: Path | None = None,
    port: int | None = None,
) -> int:
    """Listen to a plant's machines all the time: incidents within a budget, on a page to review.

    Give one of --config, --check, --init and --demo. The station runs until Ctrl-C or SIGTERM. The
    exit code of --check is 1 where there is an error, and 2 where the file cannot be read or one of
    its values is not valid; it opens bundles, sound cards and the database, and calls no camera.

    Parameters
    ----------
    config
        Run the plant of this file (docs/reference/station.md says what it holds).
    check
        Say what is wrong with this file and with what it names; start nothing.
    init
        Write a first plant.toml to this folder, from a folder of bundles (such as runs), or from
        one of recordings: then it also says how to train the bundles.
    demo
        Run a synthetic plant: machines, live sound, now and then a fault.
    to
        Folder for what the demo makes; by default rattle-station-demo.
    port
        Port of the demo's page; by default 8765.
    """
    from rattle.errors import DataError
    from rattle.station.config.texts import HIGHEST_PORT

    modes = {"--config": config, "--check": check, "--init": init, "--demo": demo or None}
    given = [name for name, value in modes.items() if value is not None]
    if len(given) != 1:
        *others, last = modes
        found = f"found {' and '.join(given)}" if given else "found none"
        raise DataError(
            f"give one of {', '.join(others)} and {last}; {found}. To begin: rattle station --demo"
        )
    if not demo and (to is not None or port is not None):
        raise DataError(f"--to and --port are of --demo; leave them out beside {given[0]}")
    if port is not None and not 1 <= port <= HIGHEST_PORT:
        raise DataError(f"{port} is no port; expected 1 to {HIGHEST_PORT}")
    if init is not None:
        return _init(init)
    if check is not None:
        return _check(check)
    if config is not None:
        return _run(config)
    return _demo(DEMO_FOLDER if to is None else to, DEMO_PORT if port is None else port)


def _run(path: Path) -> int:
    from rattle.station.config.read import read_plant

    plant = read_plant(path)
    with taking_station():
        from rattle.station.serve import serve
    return serve(plant)


def _demo(to: Path, port: int) -> int:
    with taking_station():
        from rattle.station.demo import run_demo
    return run_demo(to, port)


def _check(path: Path) -> int:
    from rattle.station.config.check import check
    from rattle.station.config.read import lines_by_key, read_plant

    plant = read_plant(path)
    with taking_station():
        findings = check(plant)
    print(_plant_line(len(plant.machine), sum(len(each.sources) for each in plant.machine)))
    for line in _finding_lines(findings, lines_by_key(path)):
        print(line)
    return int(any(finding.level == "error" for finding in findings))


def _plant_line(machines: int, sources: int) -> str:
    from rattle.pages.words import counted

    return f"{counted(machines, 'machine')}, {counted(sources, 'source')}"


def _finding_lines(findings: Sequence[Finding], line_of: Mapping[str, int]) -> list[str]:
    from rattle.cli.terminal.options import with_options

    lines = []
    for level in ("error", "warning"):
        of_level = [finding for finding in findings if finding.level == level]
        lines += [
            f"{level}: {_place(finding.key, line_of)}: "
            f"{with_options(finding.message, finding.argument)}"
            for finding in of_level[:SHOWN]
        ]
        if len(of_level) > SHOWN:
            lines.append(f"and {len(of_level) - SHOWN} more of level {level}")
    return lines or ["no findings"]


def _place(key: str, line_of: Mapping[str, int]) -> str:
    """Name a key with its line; one that the file leaves at its default has none."""
    return f"line {line_of[key]}, {key}" if key in line_of else key


def _init(place: Path) -> int:
    from rattle.errors import DataError
    from rattle.station.config.init import bundles_in, refuse_existing, write_first

    refuse_existing(FIRST_FILE)
    if not place.exists():
        raise DataError(
            f"there is no {place}; give a folder of bundles, such as runs, or one of recordings"
        )
    bundles = bundles_in(place)
    for reason in bundles.left_out:
        print(f"rattle: warning: left out: {reason}", file=sys.stderr)
    is_trained = bool(bundles.machines)
    machines = bundles.machines if is_trained else _to_be_trained(place, bundles)
    write_first(FIRST_FILE, machines)
    print(f"{FIRST_FILE}: {_plant_line(len(machines), len(machines))}. Next:")
    for line in _next_lines(place, bundles, is_trained=is_trained):
        print(f"  {line}")
    return int(bool(bundles.left_out))


def _to_be_trained(place: Path, bundles: Bundles) -> tuple[NewMachine, ...]:
    """Name the machines of a folder of recordings, with the bundles that training will write."""
    from rattle.errors import DataError
    from rattle.station.config.init import NewMachine

    if bundles.left_out:
        raise DataError(f"{place} holds no bundle that a station can use")
    from rattle.clips.layouts import load_manifest
    from rattle.runs.folder import bundle_path, refuse_twins

    machines = load_manifest(place).machines()
    refuse_twins(machines)
    return tuple(NewMachine(str(each), bundle_path(Path("runs"), each)) for each in machines)


def _next_lines(place: Path, bundles: Bundles, *, is_trained: bool) -> list[str]:
    from shlex import quote

    lines = []
    if not is_trained:
        lines.append(f"rattle train {quote(str(place))} --machine all")
        lines.append("rattle export runs/MACHINE.rattle     (of each machine)")
    lines += [f"rattle export {quote(str(path))}" for path in bundles.graphless]
    return [
        *lines,
        f"write into {FIRST_FILE} where the sound of each machine comes from",
        f"rattle station --check {FIRST_FILE}",
        f"rattle station --config {FIRST_FILE}",
    ]
