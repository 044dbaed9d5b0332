"""Writes the tables and the figure of docs/results.md from an experiment's folder.

    rattle reproduce table2 DATA --out FOLDER
    rattle reproduce figure2 DATA --machines fan/id_00 slider/id_00 --out FOLDER
    python docs/results.py FOLDER

What stands between the markers of the page is replaced; the reading of it around them is written
by people and has to be looked at again when figures change.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
from datetime import UTC, datetime
from pathlib import Path

import torch

from rattle.atomic import write_text

PAGE = Path(__file__).parent / "results.md"
FIGURE = Path(__file__).parent / "figures" / "figure2.svg"


def between(page: str, name: str, text: str) -> str:
    """The page with ``text`` between the markers of that name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{PAGE} lacks the markers {begin} and {end}")
    return f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}"


def body(file: Path) -> str:
    """A result without its title and figure, which the page has itself."""
    parts = file.read_text(encoding="utf-8").split("\n\n")
    return "\n\n".join(part for part in parts if not part.startswith(("# ", "![")))


def processor() -> str:
    """The processor's name where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    facts = (
        f"Written on {datetime.now(UTC):%Y-%m-%d} by `python docs/results.py`; computed with "
        f"torch {torch.__version__.partition('+')[0]} on {os.cpu_count()} cores ({processor()})."
    )
    page = between(page, "facts", facts)
    for name in ("table2", "figure2"):
        page = between(page, name, body(chosen.folder / f"{name}.md"))
    FIGURE.parent.mkdir(exist_ok=True)
    shutil.copy(chosen.folder / "figure2.svg", FIGURE)
    write_text(PAGE, page)


if __name__ == "__main__":
    main()
