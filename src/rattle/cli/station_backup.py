"""``rattle station-backup``: all that a station remembers into one file, while it runs."""

from __future__ import annotations

from pathlib import Path

from rattle.cli.terminal.extra import taking_station


def station_backup(into: Path, /, *, config: Path) -> int:
    """Back up a station to one file: its database, its sound, embeddings, and the bundles in use.

    The station may run meanwhile. The file is there in full or not at all, and is a zip; one that
    was there before is replaced. It holds the hashes of passwords, and no password: only its owner
    can read it. rattle station-restore makes a station of it again, also on another database.

    Parameters
    ----------
    into
        The file to write, such as hall-3.zip, best on another disk.
    config
        The plant's file, for where its database and data folder are.
    """
    from datetime import UTC, datetime

    from rattle.cli.terminal.counting import Stages
    from rattle.cli.terminal.stopping import ended_by_kill
    from rattle.pages.words import counted
    from rattle.station.config.read import read_memory

    memory = read_memory(config)
    with taking_station():
        from rattle.station.store.backup import back_up
    with ended_by_kill(), Stages() as stages:
        held = back_up(
            memory.database.get_secret_value(),
            memory.data,
            memory.plant,
            into,
            datetime.now(UTC),
            stages.on_done,
        )
    rows = sum(table.rows for table in held.tables.values())
    files = len(held.members) - sum(len(table.members) for table in held.tables.values())
    print(
        f"{into}: {counted(rows, 'row')} and {counted(files, 'file')}, "
        f"{into.stat().st_size / 1e6:,.1f} MB"
    )
    if held.absent:
        print(
            f"{counted(len(held.absent), 'recording')} that the database names lie in another "
            "station's data folder, or were removed by hand: they are not in this backup"
        )
    return 0
