"""Do one job: fetch, train, hear, send; and say all the while that the worker lives.

fetch ──▶ excerpts ──▶ training ──▶ export ──▶ old and new hear the kept sound ──▶ send
every 20 s: how far ──▶ station            the job is not ours any more: stop
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any, TypeVar

from rattle.clips.manifest import Manifest
from rattle.detector import Detector
from rattle.errors import ClipError, DataError, RattleError
from rattle.pages.words import counted
from rattle.runtime.scorer import Scorer
from rattle.worker.hear import excerpt, hear
from rattle.worker.learn import Sounds, features_in, learn_on
from rattle.worker.station import Away, Job, NotOurs, Station

_log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

TELLS_EVERY_S = 20.0
# A station that is away while its sound is fetched may be started again.
WAITS_S, ASKS_EVERY_S = 60.0, 5.0
# Folders of trainings, and when one that a killed worker left is removed.
PREFIX, ABANDONED_AFTER_S = "rattle-worker-", 24 * 3600
BASE, LIVE = "base.rattle", "live.rattle"
BUNDLE, HEARD = "bundle.rattle", "heard.npz"
# How far a job is when a part of it begins.
FETCHES, LEARNS, HEARS, SENDS = 0.0, 0.1, 0.7, 0.95


@dataclass(frozen=True)
class Means:
    """What a worker trains with: a device, and recordings that bundles were trained on."""

    device: str
    trained: Manifest | None


class Telling:
    """Says every now and then how far a job is, from a thread of its own; a context manager.

    is_over: set once the job is not the worker's any more, or the worker is to end.
    """

    def __init__(self, station: Station, job: Job, is_over: Event) -> None:
        self._station, self._job, self.is_over = station, job, is_over
        self._progress, self._said = 0.0, ""
        self._news, self._ended = Event(), Event()
        self._thread = Thread(target=self._run, name="telling", daemon=True)

    def __enter__(self) -> Telling:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._news.set()
        self._thread.join()

    def __call__(self, progress: float, said: str = "") -> None:
        """Note how far the job is; ``said`` where something else begins, which is told at once."""
        self._progress = progress
        if said:
            self._said = said
            self._news.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._news.wait(TELLS_EVERY_S)
            self._news.clear()
            if self._ended.is_set() or not self._said:
                continue
            try:
                self._station.tell(self._job, self._progress, self._said)
            except NotOurs:
                self.is_over.set()
                return
            except (Away, RattleError) as error:  # it is told later
                _log.warning("%s was not told how far it is: %s", self._station.url, error)


class Patient:
    """Asks a station, and again while it is away; ``is_over`` says when to ask no more."""

    def __init__(self, station: Station, is_over: Callable[[], bool]) -> None:
        self._station, self._is_over = station, is_over

    def __call__(self, ask: Callable[[Station], Answer]) -> Answer:
        """Give the answer. Raises ``NotOurs``, and ``Away`` after a minute."""
        until = time.monotonic() + WAITS_S
        while True:
            if self._is_over():
                raise NotOurs
            try:
                return ask(self._station)
            except Away as error:
                if time.monotonic() > until:
                    raise
                _log.warning("%s is away, and is asked again: %s", self._station.url, error)
                time.sleep(ASKS_EVERY_S)


def do(
    station: Station,
    ours: Callable[[], Station],
    job: Job,
    means: Means,
    stop_requested: Callable[[], bool],
    to: Path,
) -> None:
    """Do a job and write what is to be sent of it ``to`` a file.

    ``ours`` opens a second line to the station, for the thread that tells. Raises ``NotOurs`` and
    ``Interrupted`` where it is not to be done any more, ``Away`` where the station is while its
    sound is fetched, and whatever goes wrong in it.
    """
    left = Event()

    def is_over() -> bool:
        return stop_requested() or left.is_set()

    ask = Patient(station, is_over)
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX) as at,
        features_in(Path(at) / "features"),
        Telling(ours(), job, left) as told,
    ):
        folder = Path(at)
        told(FETCHES, "fetching recordings and kept sound")
        material = ask(lambda of: of.material(job))
        paths = _fetched(ask, job, material, folder)

        def share(begin: float, end: float) -> Callable[[float], None]:
            return lambda done: told(begin + (end - begin) * done)

        live = Scorer.load(paths[LIVE])
        sounds = _sounds(live, material, paths, folder, means)
        told(LEARNS, _what(sounds))
        learnt = learn_on(
            Detector.load(paths[BASE], device=means.device),
            sounds,
            device=means.device,
            told=share(LEARNS, HEARS),
            stop_requested=is_over,
        )
        learnt.save(folder / BUNDLE)
        names = [each["file"] for each in material["recorded"]]
        names += [each["file"] for each in material["kept"] if not each["is_learnt"]]
        heard = {name: paths[name] for name in names if name in paths}
        told(HEARS, f"the old and the new encoder hear {counted(len(heard), 'recording')}")
        hear(live, Scorer.load(folder / BUNDLE), heard, folder / HEARD, share(HEARS, SENDS))
        told(SENDS, "sending the encoder")
        with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:
            for name in (BUNDLE, HEARD):
                archive.write(folder / name, name)


def remove_abandoned() -> None:
    """Remove what workers that were killed left of stations' sound a day ago or earlier."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another user's, or it has just gone
            if time.time() - folder.stat().st_mtime > ABANDONED_AFTER_S:
                shutil.rmtree(folder)


def _fetched(ask: Patient, job: Job, material: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """Fetch all files that are there still, by their names."""
    paths = {}
    names = [BASE, LIVE, *(each["file"] for of in material.values() for each in of)]
    for number, name in enumerate(dict.fromkeys(names)):
        # Called by a number: what others call a file is no name of one here.
        path = folder / f"{number:05}{Path(name).suffix}"
        if ask(partial(Station.fetch, job=job, name=name, to=path)):
            paths[name] = path
    if BASE not in paths or LIVE not in paths:
        raise DataError("the station has the bundle of the machine no more")
    return paths


def _sounds(
    live: Scorer,
    material: Mapping[str, Any],
    paths: Mapping[str, Path],
    folder: Path,
    means: Means,
) -> Sounds:
    """Cut what stood out from the recordings, and sort the kept sound by machine."""
    labelled: dict[str, list[Path]] = {"anomaly": [], "normal": []}
    for each in material["recorded"]:
        if each["is_test"] or each["file"] not in paths:
            continue
        to = folder / f"{each['incident_id']}.flac"
        try:
            excerpt(live, paths[each["file"]], each["opened_s"], each["ended_s"], to)
        except ClipError as error:
            _log.warning("a recording is left out: %s", error)
            continue
        labelled[each["verdict"]].append(to)
    healthy: dict[str, list[Path]] = {}
    for each in material["kept"]:
        if each["is_learnt"] and each["file"] in paths:
            healthy.setdefault(each["machine"], []).append(paths[each["file"]])
    if not any(labelled.values()):
        raise DataError("of what was reviewed no recording is kept, so there is nothing to learn")
    return Sounds(labelled["anomaly"], labelled["normal"], healthy, means.trained)


def _what(sounds: Sounds) -> str:
    faults = counted(len(sounds.anomalies), "fault")
    rejected = counted(len(sounds.normals), "false alarm")
    pieces = counted(
        sum(map(len, sounds.healthy.values())), "piece of kept sound", "pieces of kept sound"
    )
    return f"training on {faults}, {rejected} and {pieces}"
