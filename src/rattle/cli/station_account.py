"""``rattle station-account``: who may see a station's page, and review."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rattle.cli.terminal.extra import taking_station

if TYPE_CHECKING:
    from rattle.station.store.credentials import Credentials


def station_account(
    config: Path,
    name: str,
    /,
    *,
    role: Literal["viewer", "reviewer", "admin", "worker"] | None = None,
    remove: bool = False,
    token: str | None = None,
) -> int:
    """Add an account to a station, remove one, change its password, or make a token for a program.

    With --role the account is added; with nothing but its name its password is changed. The
    password is asked for twice, or is the first line of standard input where that is no terminal.
    Once there is an account, everyone who opens the page logs in. The station may run meanwhile.

    Parameters
    ----------
    config
        The plant's file, for where its database is.
    name
        What the account is called.
    role
        Add the account: viewer (sees everything), reviewer (also reviews), admin (also changes),
        or worker (trains encoders and sees nothing else).
    remove
        Remove the account with its tokens. What it reviewed stays.
    token
        Make a token of this label, with which a program speaks for the account, and print it once.
        One that the account has of the same label counts no more.
    """
    from contextlib import closing
    from datetime import UTC, datetime

    from rattle.errors import DataError
    from rattle.station.config.read import read_memory

    actions = {"--role": role, "--remove": remove or None, "--token": token}
    given = [each for each, value in actions.items() if value is not None]
    if len(given) > 1:
        raise DataError(f"{' and '.join(given)} exclude each other; give one a call")
    memory = read_memory(config)
    with taking_station():
        from rattle.station.store.credentials import Credentials
        from rattle.station.store.database import open_database
    with closing(open_database(memory.database.get_secret_value(), memory.data)) as database:
        credentials = Credentials(database)
        if remove:
            credentials.remove_account(name, who=_user(), at=datetime.now(UTC))
            print(f"account {name} and its tokens are removed")
        elif token is not None:
            print(credentials.new_token(name, token, who=_user(), at=datetime.now(UTC)))
        else:
            print(_with_password(credentials, name, role))
    return 0


def _with_password(credentials: Credentials, name: str, role: str | None) -> str:
    """Add an account or, without a role, change its password; says what was done."""
    from datetime import UTC, datetime

    from rattle.errors import DataError

    is_there = credentials.account(name) is not None
    if role is None and not is_there:
        raise DataError(f"there is no account {name}; --role ROLE adds one")
    if role is not None and is_there:
        raise DataError(
            f"there is an account {name} already; without --role its password is changed, and "
            "--remove removes it"
        )
    password = _password(name)
    by, at = _user(), datetime.now(UTC)
    if role is None:
        credentials.set_password(name, password, who=by, at=at)
        return f"the password of {name} is changed"
    credentials.add_account(name, password, role, who=by, at=at)
    return f"account {name} is added as {role}"


def _password(name: str) -> str:
    """Ask for a password twice or, where nobody can be asked, read a line."""
    from getpass import getpass

    from rattle.errors import DataError

    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    try:
        password = getpass(f"Password of {name}: ")
        again = getpass("The same again: ")
    except EOFError:
        raise DataError("no password was given; nothing is changed") from None
    if password != again:
        raise DataError("the two passwords differ; nothing is changed")
    return password


def _user() -> str:
    """Name for the audit who typed this."""
    from getpass import getuser

    try:
        return f"{getuser()} at the command line"
    except (KeyError, OSError):  # a container's user may have no name
        return "the command line"
