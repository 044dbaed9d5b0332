"""List the clips of a folder or a CSV file as a manifest."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rattle.clips.clip import Clip
from rattle.clips.entry import LayoutEntry, LeftOut, open_clip
from rattle.clips.files import below
from rattle.clips.layouts.csv_file import read_csv_file
from rattle.clips.layouts.dcase import DcaseLayout
from rattle.clips.layouts.dcase_tables import find_label_list, read_label_list
from rattle.clips.layouts.plain import recognise_plain
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.clips.reading import AUDIO_SUFFIXES
from rattle.cores import readers
from rattle.errors import DataError

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

    ``unreadable`` files belong to a layout but cannot be opened or hold no sound; ``left_out``
    files belong to none. ``layout`` names the layouts that were recognised.
    """

    manifest: Manifest
    unreadable: tuple[LeftOut, ...]
    left_out: tuple[LeftOut, ...]
    layout: str


def load_manifest(source: Path, *, labels: Path | None = None) -> Manifest:
    """List the usable clips of a folder or CSV file; files left out are logged as a warning.

    ``source`` and ``labels`` are as for ``scan``. Raises ``DataError`` when no clip is usable.
    """
    return _usable(scan(source, labels=labels), source)


def load_outliers(source: Path) -> Manifest:
    """List recordings that serve as outliers: as ``load_manifest``, or a folder without a layout.

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
    entries = [LayoutEntry(path, "site", machine, "train", "normal") for path in recordings]
    return _usable(_open_all(entries, (), "unsorted"), source)


def _usable(scanned: Scan, source: Path) -> Manifest:
    skipped = [*scanned.unreadable, *scanned.left_out]
    if not len(scanned.manifest):
        first = skipped[0].reason if skipped else "it lists no clips"
        raise DataError(f"{source}: no usable recording; the first problem: {first}")
    if skipped:
        _log.warning(
            "%s: %d files left out, the first is %s; rattle check shows all with reasons",
            source,
            len(skipped),
            skipped[0].path,
        )
    return scanned.manifest


def scan(source: Path, *, labels: Path | None = None, hashed: bool = True) -> Scan:
    """List the clips of a folder in one of the accepted layouts, or of a CSV file.

    ``labels`` is a DCASE label list (``eval_data_list.csv``) for evaluation clips; without it,
    one in the folder or its parent is taken. A file that cannot be opened does not stop the
    rest. Without ``hashed`` no file is read beyond its header, and the manifest's content hashes
    are empty: for what decodes every file anyway. Raises ``DataError`` when nothing is
    recognised, showing what would be.
    """
    source = source.resolve()
    if source.suffix.lower() == ".csv" and source.is_file():
        return _open_all(read_csv_file(source), (), "CSV", hashed=hashed)
    if not source.is_dir():
        raise DataError(
            f"{source}: there is no such folder or CSV file; expected one of\n{ACCEPTED}"
        )
    label_list = labels or find_label_list(source)
    dcase = DcaseLayout(read_label_list(label_list) if label_list else {})
    entries: list[LayoutEntry] = []
    left_out: list[LeftOut] = []
    layouts: set[str] = set()
    for path in below(source):
        entry: LayoutEntry | LeftOut | None = dcase.recognise(path)
        layout = "DCASE"
        if entry is None:
            entry, layout = recognise_plain(path, source), "plain folder"
        if isinstance(entry, LayoutEntry):
            entries.append(entry)
            layouts.add(layout)
        else:
            left_out.append(entry or LeftOut(path, "its folders name no machine and class"))
    if not entries:
        raise DataError(_nothing_recognised(source, left_out))
    return _open_all(entries, left_out, ", ".join(sorted(layouts)), hashed=hashed)


def _nothing_recognised(source: Path, left_out: list[LeftOut]) -> str:
    if left_out:
        example = left_out[0].path.relative_to(source)
        holds = f"{len(left_out)} audio files, none in a known layout, for example {example}"
    else:
        holds = f"no audio file ({' '.join(sorted(AUDIO_SUFFIXES))})"
    return f"{source}: found {holds}; expected one of\n{ACCEPTED}"


def _open_all(
    entries: list[LayoutEntry], left_out: Iterable[LeftOut], layout: str, *, hashed: bool = True
) -> Scan:
    clips: list[Clip] = []
    unreadable: list[LeftOut] = []
    # The work is mostly waiting for the disk, so more threads than cores pay.
    with ThreadPoolExecutor(max_workers=2 * readers()) as pool:
        for opened in pool.map(partial(open_clip, hashed=hashed), entries):
            if isinstance(opened, Clip):
                clips.append(opened)
            else:
                unreadable.append(opened)
    return Scan(Manifest.from_clips(clips), tuple(unreadable), tuple(left_out), layout)
