"""Measures every ratio that rattle promises, in one run, and prints them in one table.

    python benchmarks/bench.py DATA [--only reading scoring] [--into docs/performance.md]

DATA holds real recordings in the DCASE layout. A part is a module of this folder with a function
``measure(data) -> Iterator[Ratio]``, and may have ``profile(data) -> str``, Markdown that says
where the time goes. With ``--into`` table, machine, date and profiles replace what stands between
the markers of that page. Nothing else may run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import torch

from page import between, processor
from ratio import Ratio
from rattle.atomic import write_text

PARTS = (
    "training",
    "fleet",
    "heads",
    "scoring",
    "streams",
    "station_streams",
    "accuracy",
    "reading",
)


def facts() -> str:
    """Machine, date and command."""
    threads = f"{torch.get_num_threads()} torch threads"
    return (
        f"Written on {datetime.now(UTC):%Y-%m-%d} by `make bench`: {os.cpu_count()} cores "
        f"({processor()}, {torch.backends.cpu.get_cpu_capability()}), {threads}, torch "
        f"{torch.__version__.partition('+')[0]}, Python {platform.python_version()}."
    )


def table(ratios: list[Ratio]) -> str:
    """The ratios as a Markdown table."""
    lines = ["| what | measured | target | holds | of what |", "|---|---:|---:|---|---|"]
    for ratio in ratios:
        bound = f"{'at most' if ratio.at_most else 'at least'} {ratio.target:g}"
        verdict = "yes" if ratio.holds else "**NO**"
        lines.append(f"| {ratio.name} | {ratio.value:.3g} | {bound} | {verdict} | {ratio.detail} |")
    return "\n".join(lines)


def measured(part: str, data: Path) -> Iterator[Ratio]:
    """A part's ratios, each printed as soon as it is there."""
    for ratio in importlib.import_module(part).measure(data):
        verdict = "holds" if ratio.holds else "MISSED"
        print(f"{ratio.name}: {ratio.value:.3g} ({verdict}; {ratio.detail})", flush=True)
        yield ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--into", type=Path)
    chosen = parser.parse_args()
    print(facts(), flush=True)
    ratios = [ratio for part in chosen.only for ratio in measured(part, chosen.data)]
    print(f"\n{table(ratios)}")
    if chosen.into is None:
        return
    page = chosen.into.read_text(encoding="utf-8")
    page = between(page, "facts", facts())
    page = between(page, "table", table(ratios))
    for part in chosen.only:
        module = importlib.import_module(part)
        if hasattr(module, "profile"):
            page = between(page, f"profile of {part}", module.profile(chosen.data))
    write_text(chosen.into, page)


if __name__ == "__main__":
    main()
