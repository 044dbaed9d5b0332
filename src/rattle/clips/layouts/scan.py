"""Finds the clips of a folder or a CSV file and makes a manifest of them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rattle.clips.files import below
from rattle.clips.layouts.csv_file import place_by_csv
from rattle.clips.layouts.dcase import DcaseLayout
from rattle.clips.layouts.dcase_tables import find_label_list, read_label_list
from rattle.clips.layouts.entry import LeftOut, Placement
from rattle.clips.layouts.plain import place_plain
from rattle.clips.machine import Machine
from rattle.clips.manifest import Clip, Manifest
from rattle.clips.reading import AUDIO_SUFFIXES, content_hash, probe
from rattle.errors import ClipError, DataError

ACCEPTED = """\
  DCASE 2020    fan/train/normal_id_00_00000000.wav, fan/test/anomaly_id_00_00000000.wav
  DCASE 2021 on fan/train/section_00_source_train_normal_0000.wav, fan/test/section_00_0000.wav
  plain folder  press-3/normal/monday.wav, press-3/anomaly/worn.wav, press-3/test/normal/new.wav
  type and id   fan/id_00/normal/a.wav, fan/id_00/abnormal/b.wav
  CSV file      clips.csv with the header path,machine,label
Any of .wav, .flac, .ogg, .mp3, .aiff and the like will do, in one folder or with dev_data and
eval_data side by side."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scan:
    """A manifest, and the audio files that are not in it.

    ``unreadable`` files have a place in a layout but cannot be opened or hold no sound;
    ``left_out`` files have no place in one. ``layout`` names the layouts found.
    """

    manifest: Manifest
    unreadable: tuple[LeftOut, ...]
    left_out: tuple[LeftOut, ...]
    layout: str


def load_manifest(source: Path, *, labels: Path | None = None) -> Manifest:
    """The manifest of a folder or CSV file, as ``scan``; files left out are logged as a warning.

    Raises ``DataError`` when no clip is usable.
    """
    return _usable(scan(source, labels=labels), source)


def load_outliers(source: Path) -> Manifest:
    """The recordings of ``--outliers``: as ``load_manifest``, or a folder without any layout.

    In a folder where nothing is recognised, every recording counts as normal sound of one machine
    of the folder's name: surroundings and other machines need no sorting to serve as outliers.
    """
    source = source.resolve()
    recordings = list(below(source)) if source.is_dir() else []
    try:
        return load_manifest(source)
    except DataError:
        if not recordings:
            raise
    machine = Machine(source.name, "")
    placed = [Placement(path, "site", machine, "train", "normal") for path in recordings]
    return _usable(_open_all(placed, (), "unsorted"), source)


def _usable(found: Scan, source: Path) -> Manifest:
    skipped = [*found.unreadable, *found.left_out]
    if not len(found.manifest):
        first = skipped[0].reason if skipped else "it lists no clips"
        raise DataError(f"{source}: no usable recording; the first problem: {first}")
    if skipped:
        _log.warning(
            "%s: %d files left out, the first is %s; `rattle check` lists them with reasons",
            source,
            len(skipped),
            skipped[0].path,
        )
    return found.manifest


def scan(source: Path, *, labels: Path | None = None, hashed: bool = True) -> Scan:
    """The clips of a folder in one of the accepted layouts, or of a CSV file.

    ``labels`` is a DCASE label list (``eval_data_list.csv``) for evaluation clips; without it,
    one in the folder or its parent is taken. A file that cannot be opened does not stop the
    rest. Without ``hashed`` no file is read beyond its header, and the manifest's content hashes
    are empty: for what decodes every file anyway. Raises ``DataError`` when nothing is
    recognised, showing what would be.
    """
    source = source.resolve()
    if source.suffix.lower() == ".csv" and source.is_file():
        return _open_all(place_by_csv(source), (), "CSV", hashed=hashed)
    if not source.is_dir():
        raise DataError(
            f"{source}: there is no such folder or CSV file; expected one of\n{ACCEPTED}"
        )
    label_list = labels or find_label_list(source)
    dcase = DcaseLayout(read_label_list(label_list) if label_list else {})
    placed: list[Placement] = []
    left_out: list[LeftOut] = []
    layouts: set[str] = set()
    for path in below(source):
        place: Placement | LeftOut | None = dcase.place(path)
        layout = "DCASE"
        if place is None:
            place, layout = place_plain(path, source), "plain folder"
        if isinstance(place, Placement):
            placed.append(place)
            layouts.add(layout)
        else:
            left_out.append(place or LeftOut(path, "its folders name no machine and class"))
    if not placed:
        raise DataError(_nothing_recognised(source, left_out))
    return _open_all(placed, left_out, ", ".join(sorted(layouts)), hashed=hashed)


def _nothing_recognised(source: Path, left_out: list[LeftOut]) -> str:
    if left_out:
        example = left_out[0].path.relative_to(source)
        found = f"{len(left_out)} audio files, none in a known layout, for example {example}"
    else:
        found = f"no audio file ({' '.join(sorted(AUDIO_SUFFIXES))})"
    return f"{source}: found {found}; expected one of\n{ACCEPTED}"


def _open_all(
    placed: list[Placement], left_out: Iterable[LeftOut], layout: str, *, hashed: bool = True
) -> Scan:
    clips: list[Clip] = []
    unreadable: list[LeftOut] = []
    # The work is mostly waiting for the disk, so more threads than cores pay.
    with ThreadPoolExecutor(max_workers=2 * (os.cpu_count() or 1)) as pool:
        for opened in pool.map(partial(open_clip, hashed=hashed), placed):
            if isinstance(opened, Clip):
                clips.append(opened)
            else:
                unreadable.append(opened)
    return Scan(Manifest.from_clips(clips), tuple(unreadable), tuple(left_out), layout)


def open_clip(place: Placement, *, hashed: bool = True) -> Clip | LeftOut:
    """The clip at a place, or why it cannot be one: it cannot be opened, or holds no sound."""
    try:
        info = probe(place.path)
        hash_ = content_hash(place.path) if hashed else ""
    except ClipError as error:
        return LeftOut(place.path, str(error))
    if not info.frames:
        return LeftOut(place.path, f"{place.path}: the file holds no sound")
    return Clip(
        path=str(place.path),
        source_set=place.source_set,
        machine_type=place.machine.type,
        machine_id=place.machine.id,
        split=place.split,
        label=place.label,
        domain=place.domain,
        attributes=place.attributes,
        channels=info.channels,
        sample_rate_hz=info.sample_rate_hz,
        frames=info.frames,
        content_hash=hash_,
    )
