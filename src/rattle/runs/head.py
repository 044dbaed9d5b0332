"""Write what an adaptation of a head made: its bundle, and a run folder to go on from.

The encoder may learn from the same clips later. It then finds all recordings by that folder, as
after any run: those that the parent's folder lists, and the new ones. Nothing here needs torch.
"""

from __future__ import annotations

import csv
import io
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rattle.atomic import write_text
from rattle.bundle.file import Bundle, write_bundle
from rattle.clips.clip import RECORDING_FIELDS, Clip
from rattle.clips.machine import Machine
from rattle.errors import DataError, TrainingError
from rattle.runs.folder import RunFolder
from rattle.version import VERSION


def folder_for_head(parent: Path, machine: Machine, out: Path) -> RunFolder:
    """Choose the run folder under ``out``; ``TrainingError`` where a run or the parent is there."""
    folder = RunFolder.of(out, machine)
    if folder.bundle.resolve() == parent.resolve():
        raise TrainingError(
            f"the new bundle would take the place of {parent}; choose another folder",
            argument="out",
        )
    if folder.bundle.exists() or folder.path.exists():
        raise TrainingError(
            f"{out} already holds a run ({folder.path.name}); give another folder to write to",
            argument="out",
        )
    return folder


def write_head_run(
    folder: RunFolder, adapted: Bundle, parent: Path, clips: Sequence[Clip], seed: int
) -> None:
    """Write the bundle ``adapted`` from that at ``parent``, and its run folder with the clips."""
    of_parent = RunFolder.beside(parent)
    listed = None
    if of_parent.clips.exists():
        # First: of a damaged list nothing is to be left behind.
        listed = _with_clips(of_parent.clips, clips)
    write_text(folder.recipe, adapted.info.recipe.to_toml())
    environment = {
        "rattle": VERSION,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": adapted.info.machine,
        "seed": seed,
    }
    write_text(folder.environment, json.dumps(environment, indent=1))
    if listed is not None:
        write_text(folder.clips, listed)
    if of_parent.outliers.exists():
        write_text(folder.outliers, of_parent.outliers.read_text(encoding="utf-8"))
    write_bundle(adapted, folder.bundle)


def _with_clips(file: Path, clips: Sequence[Clip]) -> str:
    """Add clips to a manifest's CSV, in place of rows with the same content."""
    try:
        reader = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))
        columns, listed = [*(reader.fieldnames or ())], list(reader)
    except (UnicodeDecodeError, csv.Error):
        columns, listed = [], []
    # A row that is cut short or too long has a None.
    is_cut = any(None in (*row, *row.values()) for row in listed)
    if not clips or columns != list(RECORDING_FIELDS) or is_cut:
        raise DataError(f"{file} is not a manifest that rattle wrote; remove it")
    # An excerpt's recording is listed already, and is cut as the bundle knows it.
    clips = [clip for clip in clips if clip.excerpt is None]
    if not clips:
        return file.read_text(encoding="utf-8")
    ours, given = clips[0].machine, {clip.content_hash for clip in clips}
    of_ours = [Machine(row["machine_type"], row["machine_id"]) == ours for row in listed]
    like = next((row for row, is_ours in zip(listed, of_ours, strict=True) if is_ours), None)
    rows = [
        row
        for row, is_ours in zip(listed, of_ours, strict=True)
        if not (is_ours and row["content_hash"] in given)
    ]
    # Recorded like the machine's other clips: the outlier pool stays what it was.
    source_set = like["source_set"] if like else clips[0].source_set
    rows += [
        {name: value for name, value in asdict(of).items() if name in columns}
        for of in (replace(clip, source_set=source_set) for clip in clips)
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: row["path"]))
    return text.getvalue()
