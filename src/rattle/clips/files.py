"""Find the recordings in folders."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

# What libsndfile reads, and what ffmpeg does: recorders, telephones and cameras write these.
AUDIO_SUFFIXES = frozenset(
    {".wav", ".wave", ".bwf", ".w64", ".rf64", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"}
    | {".flac", ".ogg", ".oga", ".opus", ".mp3"}
    | {".m4a", ".m4b", ".aac", ".mp4", ".m4v", ".mov", ".3gp", ".3gpp", ".3g2", ".3ga", ".amr"}
    | {".wma", ".wmv", ".asf", ".webm", ".weba", ".mka", ".mkv", ".avi", ".flv", ".mpg", ".mpeg"}
    | {".mts", ".m2ts", ".mp2", ".ac3", ".wv", ".ape", ".tta"}
)

_log = logging.getLogger(__name__)


def audio_files(paths: Iterable[Path]) -> Iterator[Path]:
    """List each path that is a file, and the recordings below each that is a folder, in order.

    Within a folder they are sorted. A path to a file counts as a recording whatever its suffix;
    reading it tells.
    """
    for path in paths:
        if path.is_dir():
            yield from below(path)
        else:
            yield path


def below(root: Path) -> Iterator[Path]:
    """List audio files below ``root``, sorted; linked folders count once, hidden files not.

    A folder that cannot be read is left out, and a warning names it.
    """
    seen: set[str] = set()
    for folder, subfolders, names in os.walk(root, onerror=_warn_of, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        # __MACOSX and ._name hold what a Mac put beside the files of an archive.
        subfolders[:] = sorted(s for s in subfolders if not s.startswith((".", "__MACOSX")))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in AUDIO_SUFFIXES:
                yield Path(folder, name)


def _warn_of(error: OSError) -> None:
    _log.warning(
        "%s: cannot be read (%s); what it holds is left out", error.filename, error.strerror
    )
