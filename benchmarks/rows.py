"""Rows of a long benchmark, noted as lines of JSON: what is noted already is not done again."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def noted(results: Path, seeds: Collection[int] | None = None) -> list[Row]:
    """The rows noted so far: those of these seeds, or all."""
    if not results.exists():
        return []
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    return [row for row in rows if seeds is None or row["seed"] in seeds]


def note(
    results: Path,
    whats: Sequence[str],
    seeds: Sequence[int],
    rows_of: Callable[[str, int], Iterable[Row]],
) -> None:
    """Note the rows of each kind and seed, all of a kind and seed at once."""
    done = {(row["what"], row["seed"]) for row in noted(results)}
    for what in whats:
        for seed in seeds:
            if (what, seed) in done:
                continue
            lines = []
            for row in rows_of(what, seed):
                lines.append(json.dumps(row))
                print(lines[-1], flush=True)
            with results.open("a") as file:
                file.write("".join(f"{line}\n" for line in lines))
            print(f"{what}, seed {seed}: {len(lines)} rows", flush=True)
