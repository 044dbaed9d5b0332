"""``rattle check``: say what is wrong with a set of recordings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rattle.clips.check import CheckReport
    from rattle.clips.layouts import FolderReading

# Of folders, and of each kind of finding, the terminal shows this many; --json gives them all.
FOLDERS = 60
SHOWN = 10

COLUMNS = (
    ("train", "normal"),
    ("train", "anomaly"),
    ("train", "unknown"),
    ("validation", "normal"),
    ("validation", "anomaly"),
    ("validation", "unknown"),
    ("test", "normal"),
    ("test", "anomaly"),
    ("test", "unknown"),
)


def check(
    folder: Path, /, *, recipe: str = "fleet", labels: Path | None = None, json: bool = False
) -> int:
    """Check recordings before training: how folders are read, broken files, leaks, wrong levels.

    Shows what each folder was taken for: machine, split and label, and how long recordings are cut
    into clips. Every file is decoded once. Errors make training or evaluation wrong or impossible:
    files that are unreadable, cut short, garbled or empty, that hold NaN, or whose sound, or nearly
    that, stands in training and test alike. Warnings make them worse; a WAV with a wrong header
    whose sound is whole is one. The exit code is 1 when there is an error.

    Parameters
    ----------
    folder
        A folder of recordings: machine/normal and machine/anomaly, with other words people use and
        in other orders too, a layout of DCASE, MIMII or ToyADMOS; or a CSV file with the columns
        path, machine, label.
    recipe
        What the recordings are for: fleet, small, paper, or a TOML file. Its sample rate, its
        channel, the length of its window and the clips it takes are the limits.
    labels
        A DCASE label list for evaluation clips; by default the eval_data_list*.csv beside them or
        above.
    json
        Print one JSON document with every folder and finding.
    """
    from rattle.clips.check import check as check_clips
    from rattle.recipe import Recipe

    report = check_clips(folder, Recipe.load(recipe), labels=labels)
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
        "folders": [
            {**vars(row), "machine": row.machine and str(row.machine)} for row in report.folders
        ],
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
    read = Table(title=f"Layout: {report.layout}", title_justify="left")
    for name in ("folder", "machine", "split", "label"):
        read.add_column(name, overflow="fold")
    read.add_column("clips", justify="right")
    for row in report.folders[:FOLDERS]:
        read.add_row(*map(escape, _reading(row)), style="yellow" if row.machine is None else None)
    console.print(read)
    _print_rest(report.folders, console.print)
    columns = [c for c in COLUMNS if any(c in summary.clips for summary in report.machines)]
    table = Table()
    table.add_column("machine", overflow="fold")
    for split, label in columns:
        table.add_column(f"{split} {label}", justify="right")
    table.add_column("hours", justify="right")
    for summary in report.machines:
        cells = [str(summary.clips.get(column, "")) for column in columns]
        table.add_row(escape(str(summary.machine)), *cells, f"{summary.hours:.2f}")
    console.print(table)
    for line in _cut_lines(report):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for line in _finding_lines(report):
        style = {"error": "bold red", "warni": "yellow"}.get(line[:5])
        console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def _print_lines(report: CheckReport) -> None:
    print(f"layout: {report.layout}")
    for row in report.folders[:FOLDERS]:
        folder, *taken, clips = _reading(row)
        print(f"{folder}: {' '.join(filter(None, taken))}, {clips}")
    _print_rest(report.folders, print)
    for summary in report.machines:
        counts = ", ".join(
            f"{n} {split} {label}" for (split, label), n in sorted(summary.clips.items())
        )
        print(f"{summary.machine}: {counts}, {summary.hours:.2f} h")
    for line in _cut_lines(report):
        print(line)
    for line in _finding_lines(report):
        print(line)


def _reading(row: FolderReading) -> tuple[str, str, str, str, str]:
    if row.machine is None:
        return row.folder, "left out", "", "", str(row.clips)
    label = f"{row.label} ({row.kind})" if row.kind else row.label
    return row.folder, str(row.machine), row.split, label, str(row.clips)


def _print_rest(folders: Sequence[FolderReading], to: Callable[[str], None]) -> None:
    if len(folders) > FOLDERS:
        to(f"and {len(folders) - FOLDERS} more folders; --json lists them all")


def _cut_lines(report: CheckReport) -> list[str]:
    """Say which long recordings training cuts into clips, and how."""
    from rattle.clips.cutting import told

    return [
        f"{summary.machine}: {line}" for summary in report.machines for line in told(summary.cuts)
    ]


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
