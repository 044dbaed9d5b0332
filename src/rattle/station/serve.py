"""Run a plant and its page until someone ends it."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from threading import Event
from types import FrameType

from rattle.pages.words import counted
from rattle.station.clock import utc_now
from rattle.station.config.model import Plant as PlantFile
from rattle.station.plant.assembly import Opens
from rattle.station.plant.station import Plant
from rattle.station.web.app import build_app
from rattle.station.web.context import Context
from rattle.station.web.server import Server

_log = logging.getLogger(__name__)


def serve(file: PlantFile, *, opens: Opens | None = None, words: str = "") -> int:
    """Listen, judge, remember and show until SIGINT or SIGTERM.

    ``opens`` makes sources of sound in place of what the file names; ``words`` are printed first.
    Raises ``RattleError`` where it cannot start. What was heard is written before it returns: 0, or
    1 where it ends since the page cannot be served any more.
    """
    ending = Event()
    logging.getLogger("rattle").setLevel(logging.INFO)
    plant = Plant(file, opens=opens)
    with _signals(lambda *_: ending.set()):
        try:
            # Hundreds of machines take a while to start, and are not waited for.
            with _signals(_interrupt):
                plant.start()
        except KeyboardInterrupt:
            _say("Ended before it began to listen.")
            return 0
        try:
            return _show(plant, words, ending)
        finally:
            plant.stop()


@contextlib.contextmanager
def _signals(do: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Let SIGINT and SIGTERM do something else for a while."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, do) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _show(plant: Plant, words: str, ending: Event) -> int:
    """Serve the page of a plant that listens; 1 where it ends though nobody asked for it."""
    context = Context(
        plant.file, plant.database, plant.board, plant.hub, plant, plant.encoders, utc_now
    )
    server = Server(build_app(context))
    address = server.start()
    try:
        machines = plant.board.machines()
        sources = sum(len(machine.sources) for machine in machines)
        if words:
            _say(words)
        _say(
            f"{plant.file.plant}: {counted(len(machines), 'machine')}, "
            f"{counted(sources, 'source')}. The page is at {plant.file.web.address or address}; "
            "Ctrl-C ends it."
        )
        while not ending.wait(1.0):
            if not server.is_serving:
                _log.error("the page cannot be served any more; ending, to be started again")
                return 1
        _say("Ending: what was heard is written.")
        return 0
    finally:
        server.stop()


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()
