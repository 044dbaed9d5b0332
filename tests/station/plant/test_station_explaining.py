"""Incidents are explained, whatever goes wrong with one of them or with the database."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from plant_kit import waited_for

from rattle import ClipError, StorageError
from rattle.station.plant import explaining
from rattle.station.plant.explaining import Due, Explainer


class Away:
    """A database that is away for so many tries, and then takes everything."""

    def __init__(self, tries: int) -> None:
        self.tries = tries

    @contextlib.contextmanager
    def writing(self) -> Iterator[Any]:
        self.tries -= 1
        if self.tries >= 0:
            raise StorageError("the database is away")
        yield self

    def execute(self, _statement: object) -> None:
        pass


def due(name: str) -> Due:
    return Due(name, Path(name), Path("b.rattle"), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [ClipError("gone"), ValueError("of ours"), MemoryError()])
def test_one_that_cannot_be_explained_keeps_no_other_from_it(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def document_of(due: Due) -> Mapping[str, Any]:
        if due.incident_id == "bad":
            raise error
        return {}

    monkeypatch.setattr(explaining, "document_of", document_of)
    told: list[str] = []
    explainer = Explainer(Away(0), told.append)  # type: ignore[arg-type]
    explainer.start()
    with caplog.at_level(logging.WARNING):
        for name in ("bad", "good"):
            explainer.put(due(name))
        waited_for(lambda: told)
    explainer.stop(10)
    assert told == ["good"]
    assert "incident bad is not explained" in caplog.text


def test_an_explanation_waits_for_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "document_of", lambda _due: {})
    monkeypatch.setattr(explaining, "AGAIN_S", 0.01)
    told: list[str] = []
    database = Away(3)
    explainer = Explainer(database, told.append)  # type: ignore[arg-type]
    explainer.start()
    explainer.put(due("one"))
    waited_for(lambda: told)
    explainer.stop(10)
    assert (told, database.tries) == (["one"], -1)


def test_it_ends_though_the_database_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "document_of", lambda _due: {})
    database = Away(1000)
    explainer = Explainer(database, lambda _id: None)  # type: ignore[arg-type]
    explainer.start()
    explainer.put(due("one"))
    waited_for(lambda: database.tries < 1000)
    explainer.stop(60)
    assert not explainer._thread.is_alive()
