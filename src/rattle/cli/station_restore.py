"""``rattle station-restore``: a station of a backup."""

from __future__ import annotations

from pathlib import Path

from rattle.cli.terminal.extra import taking_station


def station_restore(archive: Path, /, *, config: Path) -> int:
    """Restore a station from a backup, into an empty data folder and an empty database.

    The database may be another one than the backup's: SQLite's goes into PostgreSQL, and back. A
    backup of an older version is brought to this one. All of it is restored, or nothing.

    Parameters
    ----------
    archive
        What rattle station-backup wrote.
    config
        The plant's file, for where its database and data folder are to be.
    """
    from rattle.cli.terminal.counting import Stages
    from rattle.cli.terminal.stopping import ended_by_kill
    from rattle.pages.words import counted
    from rattle.station.config.read import read_memory

    memory = read_memory(config)
    with taking_station():
        from rattle.station.store.backup import restore
    with ended_by_kill(), Stages() as stages:
        held = restore(memory.database.get_secret_value(), memory.data, archive, stages.on_done)
    rows = sum(table.rows for table in held.tables.values())
    print(
        f"{memory.data}: {held.plant} as of {held.made:%Y-%m-%d %H:%M} UTC, {counted(rows, 'row')}"
    )
    if held.absent:
        print(
            f"{counted(len(held.absent), 'recording')} that the database names were not in the "
            "backup, and are shown as missing"
        )
    print(f"Next: rattle station --config {config}")
    return 0
