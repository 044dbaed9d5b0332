"""Download DCASE 2020 Task 2 into the folders that ``scan`` recognises."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rattle.clips.download.archives import (
    ARCHIVES,
    LABEL_LIST_NAME,
    LABEL_LIST_RECORD,
    MACHINE_TYPES,
    PARTS,
    Archive,
)
from rattle.clips.download.transfer import check_md5, fetch
from rattle.clips.download.unpack import unpack
from rattle.errors import DownloadError

ZENODO = "https://zenodo.org"

# File name, bytes at hand, bytes in all where known.
FileProgress = Callable[[str, int, int | None], None]


def download_dcase2020(
    to: Path,
    *,
    machine_types: Sequence[str] = MACHINE_TYPES,
    parts: Sequence[str] = PARTS,
    base_url: str = ZENODO,
    archives: Mapping[tuple[str, str], Archive] = ARCHIVES,
    progress: FileProgress = lambda name, have, total: None,
    pause_s: float = 1.0,
) -> list[Path]:
    """Fetch, verify and unpack; return the split folders that are new.

    Lays out ``to/dev_data/<type>/{train,test}`` and ``to/eval_data/<type>/{train,test}``, with
    the label list ``to/eval_data_list.csv`` beside. What is there already is skipped, an
    interrupted run goes on where it stopped, and an archive that someone put into ``to`` is used.
    Archives are deleted once unpacked. ``archives`` by part and machine type, and ``base_url``,
    are those of a mirror. Raises ``DownloadError``.
    """
    _check_names("machine type", machine_types, MACHINE_TYPES)
    _check_names("part", parts, PARTS)
    chosen = [archives[part, type_] for part in parts for type_ in machine_types]
    new: list[Path] = []
    with _folder(to):
        if "eval_test" in parts and not (to / LABEL_LIST_NAME).exists():
            # Zenodo states no sum for it that we could record.
            url = f"{base_url}/records/{LABEL_LIST_RECORD}/files/{LABEL_LIST_NAME}?download=1"
            report = partial(progress, LABEL_LIST_NAME)
            fetch(url, to / LABEL_LIST_NAME, md5=None, progress=report, pause_s=pause_s)
        for archive in chosen:
            new += _install(archive, to, base_url, progress, pause_s)
    return new


def _install(
    archive: Archive, to: Path, base_url: str, progress: FileProgress, pause_s: float
) -> list[Path]:
    home = to / archive.folder / archive.machine_type
    missing = [split for split in archive.splits if not (home / split).exists()]
    if not missing:
        return []
    zip_ = to / archive.name
    if zip_.exists():
        check_md5(zip_, archive.md5)
    else:
        url = f"{base_url}/records/{archive.record}/files/{archive.name}?download=1"
        report = partial(progress, archive.name)
        fetch(url, zip_, md5=archive.md5, progress=report, pause_s=pause_s)
    # Unpacked aside and then renamed, so that a split folder that exists is whole.
    aside = to / f".unpacking-{archive.name}"
    shutil.rmtree(aside, ignore_errors=True)
    unpack(zip_, aside)
    try:
        for split in missing:
            if not (aside / archive.machine_type / split).is_dir():
                raise DownloadError(
                    f"{zip_}: no folder {archive.machine_type}/{split} in it; not used"
                )
        home.mkdir(parents=True, exist_ok=True)
        for split in missing:
            (aside / archive.machine_type / split).rename(home / split)
    finally:
        shutil.rmtree(aside)
    zip_.unlink()
    return [home / split for split in missing]


@contextmanager
def _folder(to: Path) -> Iterator[None]:
    """Make the folder; turn a full disk or a missing permission into a ``DownloadError``."""
    try:
        to.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise DownloadError(
            f"{to}: cannot be written ({error}); make room or choose another folder, "
            "then run the command again to go on"
        ) from error


def _check_names(what: str, names: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DownloadError(f"no {what} {', '.join(unknown)}; choose from {', '.join(known)}")
