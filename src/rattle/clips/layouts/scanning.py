"""List the clips of a folder or a CSV file as a manifest."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rattle.clips.clip import Clip
from rattle.clips.entry import LayoutEntry, LeftOut, open_clip
from rattle.clips.files import AUDIO_SUFFIXES, below
from rattle.clips.layouts.collections import told_apart
from rattle.clips.layouts.csv_file import read_csv_file
from rattle.clips.layouts.dcase import DcaseLayout
from rattle.clips.layouts.dcase_tables import LabelLists
from rattle.clips.layouts.folders import Folders, take_apart
from rattle.clips.layouts.plain import recognise_plain
from rattle.clips.layouts.published import TOYADMOS, is_noise, recognise_published
from rattle.clips.layouts.readings import FolderReading, in_short, readings
from rattle.clips.layouts.words import KNOWN_WORDS
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.cores import readers
from rattle.errors import DataError

ACCEPTED = f"""\
  DCASE 2020    fan/train/normal_id_00_00000000.wav, fan/test/anomaly_id_00_00000000.wav
  DCASE 2021 on fan/train/section_00_source_train_normal_0000.wav, fan/test/section_00_0000.wav
  plain folder  press-3/normal/monday.wav, press-3/anomaly/worn.wav, press-3/test/good/new.wav
  type and id   fan/id_00/normal/a.wav, fan/id_00/abnormal/b.wav, train/fan/id_00/ok/c.wav
  MIMII         -6_dB_fan/fan/id_00/normal/00000000.wav
  ToyADMOS      ToyCar/case1/NormalSound_IND/1100010001_ToyCar_case1_normal_IND_ch1_0001.wav
  CSV file      clips.csv with the header path,machine,label
Any of .wav, .flac, .ogg, .mp3, .aiff and the like will do, and by ffmpeg .m4a, .wma, .mp4 and
others; in one folder or with dev_data and eval_data side by side. Words are
{KNOWN_WORDS};
train, val, validation and test."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scan:
    """A manifest, and the audio files that are not in it.

    ``unreadable`` files belong to a layout but cannot be opened or hold no sound; ``left_out``
    files belong to none. ``layout`` names the layouts that were recognised, ``folders`` says what
    each folder was taken for.
    """

    manifest: Manifest
    unreadable: tuple[LeftOut, ...]
    left_out: tuple[LeftOut, ...]
    layout: str
    folders: tuple[FolderReading, ...]


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
    machine = Machine.named(source.name)
    entries = [LayoutEntry(path, "site", machine, "train", "normal") for path in recordings]
    return _usable(_opened(entries, (), "unsorted", source), source)


def _usable(scanned: Scan, source: Path) -> Manifest:
    skipped = [*scanned.unreadable, *scanned.left_out]
    if not len(scanned.manifest):
        first = skipped[0].reason if skipped else "it lists no clips"
        raise DataError(f"{source}: no usable recording; the first problem: {first}")
    if skipped:
        _log.warning("%s: %s", source, in_short(skipped, source))
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
        listed = read_csv_file(source)
        if not listed:
            raise DataError(f"{source}: it lists no clips; give a row for each recording")
        return _opened(listed, (), "CSV", source.parent, hashed=hashed)
    if not source.is_dir():
        raise DataError(
            f"{source}: there is no such folder or CSV file; expected one of\n{ACCEPTED}"
        )
    found = _recognised(source, LabelLists(source, labels))
    entries = [one for every in found.values() for one in every if isinstance(one, LayoutEntry)]
    left_out = [one for every in found.values() for one in every if isinstance(one, LeftOut)]
    if not entries:
        raise DataError(_nothing_recognised(source, left_out))
    layouts = (n for n, every in found.items() if any(isinstance(e, LayoutEntry) for e in every))
    return _opened(told_apart(entries), left_out, ", ".join(sorted(layouts)), source, hashed=hashed)


def _recognised(source: Path, labels: LabelLists) -> dict[str, list[LayoutEntry | LeftOut]]:
    """Ask each layout about each file below ``source``; what they say by the layout's name."""
    found: defaultdict[str, list[LayoutEntry | LeftOut]] = defaultdict(list)
    dcase = DcaseLayout(source, labels)
    others: list[Folders] = []
    for path in below(source):
        entry = dcase.recognise(path)
        if entry is not None:
            found["DCASE"].append(entry)
            continue
        if is_noise(path):
            reason = "ToyADMOS noise of the surroundings: no machine runs in it"
            found[TOYADMOS].append(LeftOut(path, reason))
            continue
        folders = take_apart(path, source)
        if isinstance(folders, LeftOut):
            found["plain folder"].append(folders)
            continue
        published = recognise_published(folders)
        if published is None:
            others.append(folders)
        else:
            layout, entry = published
            found[layout].append(entry)
    found["plain folder"] += recognise_plain(others)
    return found


def _nothing_recognised(source: Path, left_out: Sequence[LeftOut]) -> str:
    if left_out:
        example = left_out[0]
        holds = (
            f"{len(left_out)} audio files, none in a known layout, for example "
            f"{example.path.relative_to(source)} ({example.reason})"
        )
    else:
        holds = f"no audio file ({' '.join(sorted(AUDIO_SUFFIXES))})"
    return f"{source}: found {holds}; expected one of\n{ACCEPTED}"


def _opened(
    entries: Sequence[LayoutEntry],
    left_out: Iterable[LeftOut],
    layout: str,
    source: Path,
    *,
    hashed: bool = True,
) -> Scan:
    left_out = tuple(left_out)
    clips: list[Clip] = []
    unreadable: list[LeftOut] = []
    # The work is mostly waiting for the disk, so more threads than cores pay.
    with ThreadPoolExecutor(max_workers=2 * readers()) as pool:
        for opened in pool.map(partial(open_clip, hashed=hashed), entries):
            if isinstance(opened, Clip):
                clips.append(opened)
            else:
                unreadable.append(opened)
    return Scan(
        manifest=Manifest.from_clips(clips),
        unreadable=tuple(unreadable),
        left_out=left_out,
        layout=layout,
        folders=readings(entries, left_out, source),
    )
