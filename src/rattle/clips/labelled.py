"""List the recordings that someone names and labels: what adaptation learns from."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from rattle.clips.clip import KIND, Clip
from rattle.clips.cutting import cut_as_known
from rattle.clips.entry import LayoutEntry, LeftOut, open_clip
from rattle.clips.files import audio_files
from rattle.clips.hearing import judge
from rattle.clips.machine import Machine
from rattle.clips.recorder import Recorder
from rattle.clips.unfit import Unfit
from rattle.errors import ClipError, DataError
from rattle.recipe.parts import Audio

_log = logging.getLogger(__name__)


def labelled_clips(
    paths: Iterable[Path],
    machine: Machine,
    label: str,
    audio: Audio,
    recorder: Recorder | None = None,
    *,
    known: Iterable[str] = (),
) -> list[Clip]:
    """List recordings, and those below folders, as training clips of one machine and label.

    A folder below one that is given names a kind of fault, which its clips have as attribute
    ``kind=NAME``. A content that occurs twice counts once. A recording is one clip however
    long it is, but where excerpts of it are among the hashes ``known``: then it is those. Clips
    that are not fit to be learnt from as ``audio`` hears them are left out, and a warning is logged
    that names them; so is one about clips that were recorded otherwise than ``recorder`` says.
    Raises ``ClipError`` for a file that cannot be read or holds no sound and where no clip is fit,
    and ``DataError`` for a folder without recordings.
    """
    by_content: dict[str, Clip] = {}
    for path in paths:
        files = list(audio_files([path]))
        if not files:
            raise DataError(f"{path} holds no recording; give recordings or folders of them")
        for file in files:
            kind = _kind(path, file)
            entry = LayoutEntry(
                file.resolve(), "site", machine, "train", label, attributes=kind and f"{KIND}{kind}"
            )
            clip = open_clip(entry)
            if isinstance(clip, LeftOut):
                raise ClipError(clip.reason)
            by_content.setdefault(clip.content_hash, clip)
    clips = cut_as_known(sorted(by_content.values(), key=lambda clip: clip.path), known)
    faults, remarks = {}, {}
    for clip in clips:
        judged = judge(Path(clip.path), audio, clip.excerpt)
        faults[clip.name] = judged.fault_to_learn_from
        remarks[clip.name] = recorder.otherwise(judged.traits) if recorder else ""
    unfit = Unfit.of_each(faults.items())
    if unfit and len(unfit.files) == len(clips):
        raise ClipError(f"{label}: {unfit}; give others")
    if unfit:
        _log.warning("%s: %s", label, unfit)
    remarked = [name for name, remark in remarks.items() if remark and not faults[name]]
    if remarked:
        _log.warning(
            "%s: %d of %d clips were recorded otherwise, such as %s (%s); what is learnt of them "
            "may be the recorder",
            *(label, len(remarked), len(clips), remarked[0], remarks[remarked[0]]),
        )
    return [clip for clip in clips if not faults[clip.name]]


def _kind(given: Path, file: Path) -> str:
    """Give the folder of a file below the folder that was given; none of a file in it."""
    if given == file:
        return ""
    # What separates attributes stands in no name.
    return "/".join(file.relative_to(given).parts[:-1]).translate(str.maketrans(";=", "--"))
