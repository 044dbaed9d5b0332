"""``rattle check``: say what is wrong with a set of recordings."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rattle.clips.check import CheckReport

# Of each kind of finding the terminal shows this many; --json gives them all.
SHOWN = 10

COLUMNS = (
    ("train", "normal"),
    ("train", "anomaly"),
    ("test", "normal"),
    ("test", "anomaly"),
    ("test", "unknown"),
)


def check(folder: Path, /, *, recipe: str = "fleet", json: bool = False) -> int:
    """Check recordings before training: broken files, leaks, silence, wrong levels and lengths.

    Every file is decoded once. Errors make training or evaluation wrong or impossible: files
    that are unreadable, cut short or empty, that hold NaN, or that stand in training and test
    alike. Warnings make them worse. Long recordings that training cuts into clips are listed. The
    exit code is 1 when there is an error.

    Parameters
    ----------
    folder
        A folder of recordings in a DCASE layout or as machine/normal and machine/anomaly, or a
        CSV file with the columns path, machine, label.
    recipe
        What the recordings are for: fleet, small, paper, or a TOML file. Its sample rate, its
        channel and the length of its window are the limits.
    json
        Print one JSON document with every finding.
    """
    from rattle.clips.check import check as check_clips
    from rattle.recipe import Recipe

    report = check_clips(folder, Recipe.load(recipe))
    if json:
        _print_json(report)
    elif sys.stdout.isatty():
        _print_table(report)
    else:
        _print_lines(report)
    return int(report.has_errors)


def _print_json(report: CheckReport) -> None:
    import json

    document = {
        "layout": report.layout,
        "machines": [
            {
                "machine": str(summary.machine),
                "clips": {f"{s} {label}": n for (s, label), n in sorted(summary.clips.items())},
                "hours": round(summary.hours, 3),
                "cuts": [asdict(cut) for cut in summary.cuts],
            }
            for summary in report.machines
        ],
        "findings": [
            {
                "path": None if finding.path is None else str(finding.path),
                "severity": finding.severity,
                "code": finding.code,
                "message": finding.message,
            }
            for finding in report.findings
        ],
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _print_table(report: CheckReport) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table(title=f"Layout: {report.layout}")
    table.add_column("machine")
    for split, label in COLUMNS:
        table.add_column(f"{split} {label}", justify="right")
    table.add_column("hours", justify="right")
    for summary in report.machines:
        table.add_row(escape(str(summary.machine)), *_cells(summary.clips), f"{summary.hours:.2f}")
    console.print(table)
    for line in _cut_lines(report):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for line in _finding_lines(report):
        style = {"error": "bold red", "warni": "yellow"}.get(line[:5])
        console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def _print_lines(report: CheckReport) -> None:
    print(f"layout: {report.layout}")
    for summary in report.machines:
        counts = ", ".join(
            f"{n} {split} {label}" for (split, label), n in sorted(summary.clips.items())
        )
        print(f"{summary.machine}: {counts}, {summary.hours:.2f} h")
    for line in _cut_lines(report):
        print(line)
    for line in _finding_lines(report):
        print(line)


def _cut_lines(report: CheckReport) -> list[str]:
    """Say which long recordings training cuts into clips, and how."""
    from rattle.clips.cutting import told

    return [
        f"{summary.machine}: {line}" for summary in report.machines for line in told(summary.cuts)
    ]


def _cells(clips: Mapping[tuple[str, str], int]) -> list[str]:
    return [str(clips.get(column, "")) for column in COLUMNS]


def _finding_lines(report: CheckReport) -> list[str]:
    """Group findings by kind, each kind led by a line with its severity, code and count."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for finding in report.findings:
        where = "" if finding.path is None else f"{finding.path}: "
        text = finding.message.removeprefix(where)
        kinds.setdefault((finding.severity, finding.code), []).append(f"  {where}{text}")
    lines = []
    for (severity, code), texts in kinds.items():
        lines += [f"{severity} {code} ({len(texts)})", *texts[:SHOWN]]
        if len(texts) > SHOWN:
            lines.append(f"  and {len(texts) - SHOWN} more; --json lists them all")
    return lines or ["no findings"]
