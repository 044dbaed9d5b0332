"""Talk to a station: ask for a job, fetch its sound, say how far it is, send what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from rattle.errors import RattleError

ANSWERS_WITHIN_S = 30.0
# A large bundle is checked before it is answered.
TAKES_WITHIN_S = 600.0
BLOCK_BYTES = 1 << 20


class Away(Exception):  # noqa: N818 - it is asked again, and never shown as an error
    """Says that a station does not answer at the moment."""


class NotOurs(Exception):  # noqa: N818 - what was done is thrown away
    """Says that a job is not the worker's any more."""


@dataclass(frozen=True)
class Job:
    """An encoder to be trained on for a machine of a station."""

    id: str
    machine: str
    verdicts: int


class Station:
    """A station at ``url``, to which the worker is called ``name``; one thread at a time.

    Of a station without accounts, on this machine, no ``token`` is needed.
    """

    def __init__(self, url: str, name: str, token: str | None) -> None:
        self.url = url.rstrip("/")
        self._name = name
        self._session = requests.Session()
        if token is not None:
            self._session.headers["authorization"] = f"Bearer {token}"

    def claim(self) -> Job | None:
        """Take the next job; None where none waits. Raises ``Away``, and ``RattleError``."""
        job = self._asked("post", "/claim", {"worker": self._name})["job"]
        return None if job is None else Job(job["id"], job["machine"], len(job["learnt"]))

    def material(self, job: Job) -> Mapping[str, Any]:
        """List what there is to train on, as the API gives it."""
        return self._asked("get", f"/{job.id}/material")

    def fetch(self, job: Job, name: str, to: Path) -> bool:
        """Write a file of the material; False where it is not kept any more."""
        address = f"{self.url}/api/v1/jobs/{job.id}/files/{quote(name)}"
        try:
            with self._session.get(address, timeout=ANSWERS_WITHIN_S, stream=True) as answer:
                if answer.status_code == requests.codes.not_found:
                    return False
                _check(answer, self.url)
                with to.open("wb") as file:
                    for block in answer.iter_content(BLOCK_BYTES):
                        file.write(block)
        except requests.RequestException as error:
            raise Away(str(error)) from None
        return True

    def tell(self, job: Job, progress: float, said: str) -> None:
        """Say how far a job is; raises ``NotOurs`` where there is no use in going on."""
        told = {"worker": self._name, "progress": progress, "said": said[:2000]}
        self._asked("post", f"/{job.id}/progress", told)

    def fail(self, job: Job, why: str, *, for_good: bool) -> None:
        """Say that a job could not be done, and whether trying again is of no use."""
        told = {"worker": self._name, "why": why[:2000], "for_good": for_good}
        self._asked("post", f"/{job.id}/failed", told)

    def send(self, job: Job, made: Path) -> None:
        """Send what came of a job; raises ``RattleError`` where the station refuses it."""
        address = f"{self.url}/api/v1/jobs/{job.id}/made"
        try:
            with made.open("rb") as file:
                answer = self._session.post(
                    address,
                    params={"worker": self._name},
                    data=file,
                    headers={"content-type": "application/octet-stream"},
                    timeout=TAKES_WITHIN_S,
                )
        except requests.RequestException as error:
            raise Away(str(error)) from None
        _check(answer, self.url)

    def _asked(self, method: str, path: str, told: object = None) -> dict[str, Any]:
        address = f"{self.url}/api/v1/jobs{path}"
        try:
            answer = self._session.request(method, address, json=told, timeout=ANSWERS_WITHIN_S)
            _check(answer, self.url)
            found: dict[str, Any] = answer.json()
        except requests.RequestException as error:
            raise Away(str(error)) from None
        return found


def _check(answer: requests.Response, url: str) -> None:
    if answer.ok:
        return
    if answer.status_code in (requests.codes.conflict, requests.codes.not_found):
        raise NotOurs
    if answer.status_code >= requests.codes.internal_server_error:
        raise Away(f"it answers {answer.status_code}")
    raise RattleError(f"{url} answers {answer.status_code}: {_said(answer)}")


def _said(answer: requests.Response) -> str:
    try:
        return str(answer.json()["detail"]).rstrip(".")
    except (ValueError, KeyError, TypeError):
        return f"{answer.reason}; is this the address of a station?"
