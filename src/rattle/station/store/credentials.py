"""Keep who may do what: accounts with passwords, and tokens for programs.

Of a password its argon2 hash is stored, of a token its SHA-256: a token is 32 random bytes, which
nobody can guess from that. Hashing takes a while on purpose, and no writer waits for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Literal, get_args

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from rattle.errors import DataError, StorageError
from rattle.station.store.audit import note
from rattle.station.store.database import Database
from rattle.station.store.tables import AccountRow, TokenRow

# Each may do what those before it may, but a worker, which may do what workers do.
Role = Literal["worker", "viewer", "reviewer", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
NAME = re.compile(r"\w[\w .@+-]{0,63}")
SHORTEST, LONGEST = 10, 1024  # characters of a password
TOKEN_BYTES = 32
# That a token was used is noted no more often.
USE_NOTED_EVERY = timedelta(hours=1)


@dataclass(frozen=True)
class Account:
    """A person, or a program, that may log in."""

    name: str
    role: Role
    created: datetime


class Credentials:
    """The accounts and tokens of a database. ``who`` is who changes them, for the audit."""

    def __init__(self, database: Database, hasher: PasswordHasher | None = None) -> None:
        self._database = database
        self._hasher = PasswordHasher() if hasher is None else hasher

    def accounts(self) -> list[Account]:
        """List all, by name."""
        with self._database.reading() as session:
            return [_account(row) for row in _rows(session)]

    def has_accounts(self) -> bool:
        """Whether there is any: where there is none, nobody needs to log in."""
        with self._database.reading() as session:
            return session.scalar(select(AccountRow.name).limit(1)) is not None

    def account(self, name: str) -> Account | None:
        """Find one, None where there is none of that name."""
        with self._database.reading() as session:
            row = session.get(AccountRow, name)
            return None if row is None else _account(row)

    def add_account(self, name: str, password: str, role: str, *, who: str, at: datetime) -> None:
        """Add one; ``DataError`` where the name is taken, or name, password or role are no such."""
        if not NAME.fullmatch(name):
            raise DataError(
                f"{name!r} is no name of an account; expected 1 to 64 letters, digits, spaces "
                "and . @ + -, a letter or digit first"
            )
        if role not in ROLES:
            raise DataError(f"{role!r} is no role; expected {', '.join(ROLES)}")
        hash_ = self._hash(password)
        with self._database.writing() as session:
            if session.get(AccountRow, name) is not None:
                raise DataError(f"there is an account {name} already; choose another name")
            session.add(AccountRow(name=name, password=hash_, role=role, created=at))
            note(session, at, who, "account added", account=name, role=role)

    def remove_account(self, name: str, *, who: str, at: datetime) -> None:
        """Remove one with its tokens; ``DataError`` where there is none of that name."""
        with self._database.writing() as session:
            session.delete(_known(session, name))
            note(session, at, who, "account removed", account=name)

    def set_password(self, name: str, password: str, *, who: str, at: datetime) -> None:
        """Change a password; ``DataError`` where there is no such account or it is too short."""
        hash_ = self._hash(password)
        with self._database.writing() as session:
            _known(session, name).password = hash_
            note(session, at, who, "password changed", account=name)

    def verify(self, name: str, password: str) -> Role | None:
        """Give the role of who knows the password; None for a wrong one or an unknown name.

        Both take equally long. A hash made with older settings is made anew.
        """
        if len(password) > LONGEST:
            return None
        with self._database.reading() as session:
            row = session.get(AccountRow, name)
            account = None if row is None else _account(row)
            hash_ = self._of_nobody if row is None else row.password
        if not self._matches(hash_, password) or account is None:
            return None
        if self._hasher.check_needs_rehash(hash_):
            self._rehash(name, hash_, password)
        return account.role

    def new_token(self, account: str, name: str, *, who: str, at: datetime) -> str:
        """Make a token that speaks for an account, shown this once.

        One of the same account and name does not count any more. Raises ``DataError`` where there
        is no such account.
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        with self._database.writing() as session:
            _known(session, account)
            same = (TokenRow.account == account) & (TokenRow.name == name)
            session.execute(delete(TokenRow).where(same))
            session.add(TokenRow(sha256=_sha256(token), account=account, name=name, created=at))
            note(session, at, who, "token made", account=account, token=name)
        return token

    def account_of_token(self, token: str, at: datetime) -> Account | None:
        """Give the account that a token speaks for, None where there is none."""
        sha256 = _sha256(token)
        with self._database.reading() as session:
            row = session.get(TokenRow, sha256)
            if row is None:
                return None
            account = _account(session.get_one(AccountRow, row.account))
            is_noted = row.used is not None and at - row.used < USE_NOTED_EVERY
        if not is_noted:
            self._note_use(sha256, at)
        return account

    def _hash(self, password: str) -> str:
        if not SHORTEST <= len(password) <= LONGEST:
            raise DataError(
                f"the password has {len(password)} characters; expected {SHORTEST} to {LONGEST}"
            )
        return self._hasher.hash(password)

    @cached_property
    def _of_nobody(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe(TOKEN_BYTES))

    def _matches(self, hash_: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash_, password)
        except (VerificationError, InvalidHashError):
            return False

    def _rehash(self, name: str, old: str, password: str) -> None:
        hash_ = self._hasher.hash(password)
        # Whoever knows the password comes in, whether or not there is room on the disk.
        with contextlib.suppress(StorageError), self._database.writing() as session:
            row = session.get(AccountRow, name)
            if row is not None and row.password == old:
                row.password = hash_

    def _note_use(self, sha256: str, at: datetime) -> None:
        with contextlib.suppress(StorageError), self._database.writing() as session:
            row = session.get(TokenRow, sha256)
            if row is not None:
                row.used = at


def _rows(session: Session) -> list[AccountRow]:
    return [*session.scalars(select(AccountRow).order_by(AccountRow.name))]


def _account(row: AccountRow) -> Account:
    return Account(row.name, row.role, row.created)  # type: ignore[arg-type]


def _known(session: Session, name: str) -> AccountRow:
    row = session.get(AccountRow, name)
    if row is None:
        names = ", ".join(account.name for account in _rows(session)) or "none yet"
        raise DataError(f"there is no account {name}; there are: {names}")
    return row


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
