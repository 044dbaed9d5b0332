"""``rattle station-account``: accounts, passwords and tokens from the command line."""

from __future__ import annotations

import getpass
import io
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from rattle.station.store.credentials import Credentials
from rattle.station.store.database import open_database
from rattle.station.store.tables import AuditRow

# A camera's password is not set here, and who adds an account need not know it.
PLANT = """\
plant = "hall-3"
[[machine]]
name = "press-3"
bundle = "bundles/press-3.rattle"
sources = [{ name = "cam", url = "env:NOBODY_SET_THIS" }]
"""
PASSWORD = "correct horse"  # noqa: S105


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "plant.toml"
    path.write_text(PLANT)
    return path


@pytest.fixture
def credentials(config: Path) -> Any:
    database = open_database("sqlite", config.parent / "rattle-station")
    yield Credentials(database)
    database.close()


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """``piped("password\\n")`` is what standard input then holds."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """``typed("one", "two")`` are the answers at a terminal; returns what was asked, as it is."""

    def answers(*given: str) -> list[str]:
        asked: list[str] = []
        waiting = iter(given)

        def ask(prompt: str) -> str:
            asked.append(prompt)
            answer = next(waiting, None)
            if answer is None:
                raise EOFError
            return answer

        monkeypatch.setattr(sys, "stdin", Terminal())
        monkeypatch.setattr(getpass, "getpass", ask)
        return asked

    return answers


def test_an_account_is_added_with_the_password_that_is_piped(
    rattle: Any, config: Path, piped: Any, credentials: Credentials
) -> None:
    piped(PASSWORD + "\n")
    code, out, err = rattle("station-account", config, "ann", "--role", "reviewer")
    assert (code, out, err) == (0, "account ann is added as reviewer\n", "")
    assert credentials.verify("ann", PASSWORD) == "reviewer"
    assert credentials.verify("ann", PASSWORD + "\n") is None


def test_at_a_terminal_the_password_is_asked_for_twice(
    rattle: Any, config: Path, typed: Any, credentials: Credentials
) -> None:
    asked = typed(PASSWORD, PASSWORD)
    assert rattle("station-account", config, "ann", "--role", "admin").code == 0
    assert asked == ["Password of ann: ", "The same again: "]
    assert credentials.verify("ann", PASSWORD) == "admin"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (("correct horse", "correct house"), "the two passwords differ; nothing is changed"),
        ((), "no password was given; nothing is changed"),
        (("short", "short"), "the password has 5 characters; expected 10 to 1024"),
    ],
)
def test_a_password_that_will_not_do_adds_nothing(
    answers: tuple[str, ...],
    said: str,
    rattle: Any,
    config: Path,
    typed: Any,
    credentials: Credentials,
) -> None:
    typed(*answers)
    code, out, err = rattle("station-account", config, "ann", "--role", "admin")
    assert (code, out, err) == (2, "", f"rattle: error: {said}\n")
    assert credentials.accounts() == []


def test_an_account_that_is_there_is_not_added_again(
    rattle: Any, config: Path, typed: Any, credentials: Credentials
) -> None:
    credentials.add_account("ann", PASSWORD, "viewer", who="test", at=datetime.now(UTC))
    asked = typed("another password", "another password")
    code, _, err = rattle("station-account", config, "ann", "--role", "admin")
    assert code == 2
    assert "there is an account ann already; without --role its password is changed" in err
    assert asked == []
    assert credentials.verify("ann", PASSWORD) == "viewer"


def test_with_the_name_alone_the_password_is_changed(
    rattle: Any, config: Path, piped: Any, credentials: Credentials
) -> None:
    credentials.add_account("ann", PASSWORD, "viewer", who="test", at=datetime.now(UTC))
    piped("another password\n")
    assert rattle("station-account", config, "ann").out == "the password of ann is changed\n"
    assert credentials.verify("ann", PASSWORD) is None
    assert credentials.verify("ann", "another password") == "viewer"


def test_nobody_is_asked_for_the_password_of_an_account_that_is_not_there(
    rattle: Any, config: Path, typed: Any
) -> None:
    asked = typed(PASSWORD, PASSWORD)
    code, _, err = rattle("station-account", config, "ann")
    assert code == 2
    assert "there is no account ann; --role ROLE adds one" in err
    assert asked == []


def test_an_account_is_removed_with_its_tokens(
    rattle: Any, config: Path, credentials: Credentials
) -> None:
    at = datetime.now(UTC)
    credentials.add_account("ann", PASSWORD, "viewer", who="test", at=at)
    token = credentials.new_token("ann", "mine", who="test", at=at)
    code, out, _ = rattle("station-account", config, "ann", "--remove")
    assert (code, out) == (0, "account ann and its tokens are removed\n")
    assert credentials.accounts() == []
    assert credentials.account_of_token(token, at) is None
    code, _, err = rattle("station-account", config, "ann", "--remove")
    assert code == 2
    assert "there is no account ann; there are: none yet" in err


def test_a_token_is_printed_alone_and_speaks_for_its_account(
    rattle: Any, config: Path, credentials: Credentials
) -> None:
    credentials.add_account("plc", PASSWORD, "reviewer", who="test", at=datetime.now(UTC))
    code, out, err = rattle("station-account", config, "plc", "--token", "line 3")
    assert (code, err) == (0, "")
    account = credentials.account_of_token(out.strip(), datetime.now(UTC))
    assert account is not None
    assert (account.name, account.role) == ("plc", "reviewer")


def test_what_was_done_is_noted_with_who_did_it(
    rattle: Any, config: Path, piped: Any, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless() -> str:
        raise KeyError("uid not found")

    piped(PASSWORD)
    rattle("station-account", config, "ann", "--role", "viewer")
    monkeypatch.setattr(getpass, "getuser", nameless)
    rattle("station-account", config, "ann", "--remove")
    with credentials._database.reading() as session:
        rows = [(row.who, row.what) for row in session.scalars(select(AuditRow))]
    assert [what for _, what in rows] == ["account added", "account removed"]
    assert rows[0][0].endswith(" at the command line")
    assert rows[1][0] == "the command line"


@pytest.mark.parametrize(
    "words",
    [
        ["--remove", "--role", "viewer"],
        ["--token", "x", "--role", "viewer"],
        ["--remove", "--token", "x"],
    ],
    ids=" ".join,
)
def test_one_thing_a_call(words: list[str], rattle: Any, config: Path) -> None:
    code, out, err = rattle("station-account", config, "ann", *words)
    assert (code, out) == (2, "")
    assert "exclude each other; give one a call" in err
    assert not (config.parent / "rattle-station").exists()


def test_a_role_that_is_none_is_refused(rattle: Any, config: Path) -> None:
    code, _, err = rattle("station-account", config, "ann", "--role", "boss")
    assert code == 2
    assert "viewer" in err
