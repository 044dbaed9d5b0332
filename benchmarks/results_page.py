"""Writes the tables and the figure of docs/results.md from an experiment's folder.

    rattle reproduce table2 DATA --recipe small --out FOLDER
    rattle reproduce figure2 DATA --recipe small --seeds 0 1 --anomalies 1 4 16 64 --out FOLDER
    rattle reproduce table1 DATA --recipe small --validation fan/id_02 slider/id_02 --out FOLDER
    python benchmarks/results_page.py FOLDER

    rattle reproduce table2 DATA --recipe fleet --baselines none --out FOLDER
    python benchmarks/results_page.py FOLDER

Which recipe a folder is of stands in it; each has markers of its own, and what an experiment has
not made stays as it is.

What stands between the markers of the page is replaced; the reading of it around them is written
by people and has to be looked at again when figures change.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, stdev

import torch

from page import between, processor
from rattle.atomic import write_text
from rattle.evaluation.metrics import auc
from rattle.experiments.folder import RECIPE
from rattle.recipe import Recipe
from rattle.recipe.parts import MethodName
from rattle.runs.outcome import Outcome

COMPARED: tuple[tuple[MethodName, MethodName], ...] = (
    ("ddcsad", "dsad"),
    ("bce+ddcsad", "ddcsad"),
    ("bce+ddcsad", "bce"),
    ("bce+dsad", "bce"),
    ("bce+ddcsad", "bce+dsad"),
)
DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "results.md"
FIGURE = DOCS / "figures" / "figure2.svg"


def body(file: Path) -> str:
    """A result without its title and figure, which the page has itself."""
    parts = file.read_text(encoding="utf-8").split("\n\n")
    return "\n\n".join(part for part in parts if not part.startswith(("# ", "![")))


def differences(folder: Path) -> str:
    """The paper's comparisons of losses, paired by machine and seed, as a Markdown table."""
    aucs: dict[MethodName, dict[tuple[str, int], float]] = {}
    # Of trainings alone: adaptations, and what a report scored again, lie deeper.
    for file in sorted(folder.glob("*/seed-*/*/outcome.json")):
        outcome = Outcome.read(file)
        area = auc(*outcome.scores(scale="paper"))
        aucs.setdefault(outcome.method, {})[outcome.machine, outcome.seed] = area
    lines = ["| AUC in %, machine average | difference | higher in |", "|---|---|---|"]
    for one, other in COMPARED:
        pairs = {key: aucs[one][key] - aucs[other][key] for key in aucs[one]}
        seeds = sorted({seed for _, seed in pairs})
        # As many machines of each type: their plain mean is the machine average.
        by_seed = [fmean(d for (_, s), d in pairs.items() if s == seed) for seed in seeds]
        error = stdev(by_seed) / math.sqrt(len(by_seed))
        higher = sum(difference > 0 for difference in pairs.values())
        lines.append(
            f"| {one} - {other} | {100 * fmean(by_seed):+.1f} ± {100 * error:.1f} | "
            f"{higher} of {len(pairs)} pairs of machine and seed |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    facts = (
        f"Written on {datetime.now(UTC):%Y-%m-%d} by `python benchmarks/results_page.py`; computed "
        f"with torch {torch.__version__.partition('+')[0]} on {os.cpu_count()} cores "
        f"({processor()})."
    )
    recipe = Recipe.load(chosen.folder / RECIPE).name
    of = "" if recipe == "small" else f" {recipe}"
    page = between(page, f"facts{of}", facts)
    for name in ("table1", "table2", "figure2"):
        file = chosen.folder / f"{name}.md"
        if file.exists():
            page = between(page, f"{name}{of}", body(file))
    page = between(page, f"differences{of}", differences(chosen.folder))
    if (chosen.folder / "figure2.svg").exists():
        FIGURE.parent.mkdir(exist_ok=True)
        shutil.copy(chosen.folder / "figure2.svg", FIGURE)
    write_text(PAGE, page)


if __name__ == "__main__":
    main()
