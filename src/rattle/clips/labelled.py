"""List the recordings that someone names and labels: what adaptation learns from."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from rattle.clips.called import called_as
from rattle.clips.clip import KIND, Clip
from rattle.clips.cutting import cut_as_known
from rattle.clips.entry import LayoutEntry, LeftOut, open_clip
from rattle.clips.excerpt import recording_of
from rattle.clips.files import audio_files
from rattle.clips.hearing import judge
from rattle.clips.layouts.said import contradiction
from rattle.clips.machine import Machine
from rattle.clips.recorder import Recorder, Traits
from rattle.clips.unfit import Unfit
from rattle.errors import ClipError, DataError
from rattle.recipe.parts import Audio

NONE: Mapping[str, Collection[str]] = MappingProxyType({})
_log = logging.getLogger(__name__)


def labelled_clips(
    paths: Iterable[Path],
    machine: Machine,
    label: str,
    audio: Audio,
    recorder: Recorder | None = None,
    *,
    others: Mapping[str, Collection[str]] = NONE,
    used: Collection[str] = (),
) -> list[Clip]:
    """List recordings, and those below folders, as training clips of one machine and label.

    A folder below one that is given names a kind of fault, which its clips have as attribute
    ``kind=NAME``. A sound that occurs twice counts once. Left out are clips that are not fit to be
    learnt from as ``audio`` hears them, clips of another machine by name, folder or sound, and
    those below a folder that are called otherwise than ``label``; a warning is logged that names
    them. So is one about clips that were recorded otherwise than ``recorder`` says.

    ``others`` are other machines by name, each with the content hashes of clips of it that are
    known. ``used`` are hashes of clips of this one, by which they are called (``called_as``). A
    recording is one clip however long it is, but where excerpts of it are ``used``: then it is
    those.
    Raises ``ClipError`` for a file that cannot be read or holds no sound and where no clip is left,
    and ``DataError`` for a folder without recordings.
    """
    faults: dict[str, str] = {}
    by_content: dict[str, Clip] = {}
    names = [Machine.parse(name) for name in others]
    theirs = {recording_of(hash_): name for name, hashes in others.items() for hash_ in hashes}
    for given, file in _files(paths):
        fault = contradiction(file, given, machine, label, names)
        if fault:
            faults[str(file)] = fault
        else:
            clip = _open(given, file, machine, label)
            by_content.setdefault(clip.content_hash, clip)
    recordings = sorted(by_content.values(), key=lambda clip: clip.path)
    own = []
    for clip in called_as(recordings, {*used, *theirs}):
        if clip.content_hash in theirs:
            faults[clip.path] = f"the same sound as a clip of {theirs[clip.content_hash]}"
        else:
            own.append(clip)
    fit = []
    for clip in cut_as_known(own, used):
        heard = judge(Path(clip.path), audio, clip.excerpt)
        faults[clip.name] = heard.fault_to_learn_from
        if not faults[clip.name]:
            fit.append((clip, heard.traits))
    _tell_unfit(label, Unfit.of_each(faults.items()))
    _tell_recorded_otherwise(label, fit, recorder)
    return [clip for clip, _ in fit]


def _files(paths: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """List the recordings, each with the path that was given for it."""
    for path in paths:
        files = list(audio_files([path]))
        if not files:
            raise DataError(f"{path} holds no recording; give recordings or folders of them")
        for file in files:
            yield path.resolve(), file.resolve()


def _open(given: Path, file: Path, machine: Machine, label: str) -> Clip:
    kind = _kind(given, file)
    attributes = kind and f"{KIND}{kind}"
    clip = open_clip(LayoutEntry(file, "site", machine, "train", label, attributes=attributes))
    if isinstance(clip, LeftOut):
        raise ClipError(clip.reason)
    return clip


def _tell_unfit(label: str, unfit: Unfit) -> None:
    """Warn of clips that are left out; raise where none is left."""
    if unfit and len(unfit.files) == unfit.of:
        raise ClipError(f"{label}: {unfit}; give others")
    if unfit:
        _log.warning("%s: %s", label, unfit)


def _tell_recorded_otherwise(
    label: str, clips: Sequence[tuple[Clip, Traits]], recorder: Recorder | None
) -> None:
    if recorder is None:
        return
    remarks = [(clip.name, recorder.otherwise(traits)) for clip, traits in clips]
    remarked = [(name, remark) for name, remark in remarks if remark]
    if remarked:
        _log.warning(
            "%s: %d of %d clips were recorded otherwise, such as %s (%s); what is learnt of them "
            "may be the recorder",
            *(label, len(remarked), len(clips), *remarked[0]),
        )


def _kind(given: Path, file: Path) -> str:
    """Give the folder of a file below the folder that was given; none of a file in it."""
    if given == file:
        return ""
    # What separates attributes stands in no name.
    return "/".join(file.relative_to(given).parts[:-1]).translate(str.maketrans(";=", "--"))
