"""Accounts and tokens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, text

from made_up_heard import NOW
from rattle.errors import DataError, StorageError
from rattle.station.store.credentials import Credentials
from rattle.station.store.database import Database
from rattle.station.store.tables import AccountRow, AuditRow, Base, TokenRow

PASSWORD = "correct horse"  # noqa: S105


class Counting(PasswordHasher):
    """Counts what it verifies; light, so that tests are quick."""

    def __init__(self, time_cost: int = 1) -> None:
        super().__init__(time_cost=time_cost, memory_cost=64, parallelism=1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
        self.verified += 1
        return super().verify(hash, password)  # type: ignore[return-value]


@pytest.fixture
def credentials(database: Database) -> Credentials:
    return Credentials(database, Counting())


def add(credentials: Credentials, name: str = "ann", role: str = "reviewer") -> None:
    credentials.add_account(name, PASSWORD, role, who="root", at=NOW)


def test_who_knows_the_password_has_the_role(credentials: Credentials) -> None:
    assert not credentials.has_accounts()
    add(credentials)
    assert credentials.has_accounts()
    assert credentials.verify("ann", PASSWORD) == "reviewer"
    assert credentials.verify("ann", PASSWORD + "x") is None
    assert credentials.verify("ben", PASSWORD) is None
    assert [(each.name, each.role, each.created) for each in credentials.accounts()] == [
        ("ann", "reviewer", NOW)
    ]
    found = credentials.account("ann")
    assert found is not None
    assert found.role == "reviewer"
    assert credentials.account("ben") is None


def test_an_unknown_name_costs_as_much_as_a_wrong_password(database: Database) -> None:
    hasher = Counting()
    credentials = Credentials(database, hasher)
    add(credentials)
    credentials.verify("ann", "wrong")
    assert hasher.verified == 1
    credentials.verify("ben", "wrong")
    assert hasher.verified == 2


def test_an_endless_password_is_not_hashed(database: Database) -> None:
    hasher = Counting()
    assert Credentials(database, hasher).verify("ann", "x" * 100_000) is None
    assert hasher.verified == 0


def test_no_secret_is_stored(database: Database, credentials: Credentials) -> None:
    add(credentials)
    token = credentials.new_token("ann", "line 3", who="root", at=NOW)
    with database.reading() as session:
        for table in Base.metadata.sorted_tables:
            rows = repr(session.execute(select(table)).all())
            assert token not in rows
            assert PASSWORD not in rows


def test_a_password_changes(credentials: Credentials) -> None:
    add(credentials)
    credentials.set_password("ann", "another password", who="ann", at=NOW)
    assert credentials.verify("ann", PASSWORD) is None
    assert credentials.verify("ann", "another password") == "reviewer"


def test_a_hash_of_older_settings_is_made_anew(database: Database) -> None:
    add(Credentials(database, Counting()))
    stronger = Credentials(database, Counting(time_cost=2))
    for _ in range(2):
        assert stronger.verify("ann", PASSWORD) == "reviewer"
        with database.reading() as session:
            assert "t=2" in session.get_one(AccountRow, "ann").password


def test_a_password_that_changes_during_a_login_stays_changed(database: Database) -> None:
    add(Credentials(database, Counting()))

    class Slow(Counting):
        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            change = Credentials(database, Counting())
            change.set_password("ann", "another password", who="ann", at=NOW)
            return super().hash(password, salt=salt)

    assert Credentials(database, Slow(time_cost=2)).verify("ann", PASSWORD) == "reviewer"
    assert Credentials(database, Counting()).verify("ann", "another password") == "reviewer"


def test_a_token_speaks_for_its_account_until_that_is_removed(
    database: Database, credentials: Credentials
) -> None:
    add(credentials)
    token = credentials.new_token("ann", "line 3", who="root", at=NOW)
    found = credentials.account_of_token(token, NOW)
    assert found is not None
    assert (found.name, found.role) == ("ann", "reviewer")
    assert credentials.account_of_token(token + "x", NOW) is None
    assert credentials.account_of_token("", NOW) is None
    credentials.remove_account("ann", who="root", at=NOW)
    assert credentials.account_of_token(token, NOW) is None
    assert not credentials.has_accounts()
    with database.reading() as session:
        assert session.scalars(select(TokenRow)).all() == []


def test_a_new_token_of_the_same_name_takes_the_place_of_the_old(
    credentials: Credentials,
) -> None:
    add(credentials)
    old, other = (credentials.new_token("ann", name, who="ann", at=NOW) for name in ("a", "b"))
    new = credentials.new_token("ann", "a", who="ann", at=NOW)
    known = [credentials.account_of_token(token, NOW) is not None for token in (old, other, new)]
    assert known == [False, True, True]


def test_the_use_of_a_token_is_noted_once_an_hour(
    database: Database, credentials: Credentials
) -> None:
    add(credentials)
    token = credentials.new_token("ann", "a", who="ann", at=NOW)
    minutes = []
    for minute in (0, 59, 60):
        credentials.account_of_token(token, NOW + timedelta(minutes=minute))
        with database.reading() as session:
            used = session.scalars(select(TokenRow)).one().used
            assert used is not None
            minutes.append((used - NOW) / timedelta(minutes=1))
    assert minutes == [0, 0, 60]


def test_a_token_is_believed_where_nothing_can_be_written(
    database: Database, credentials: Credentials
) -> None:
    add(credentials)
    token = credentials.new_token("ann", "a", who="ann", at=NOW)
    read_only = {
        "sqlite": "PRAGMA query_only = ON",
        "postgresql": "SET default_transaction_read_only = on",
    }[database.engine.dialect.name]
    with database.engine.connect() as connection:
        connection.execute(text(read_only))
        connection.commit()
    with pytest.raises(StorageError, match="cannot be used"):
        credentials.new_token("ann", "b", who="ann", at=NOW)
    assert credentials.account_of_token(token, NOW) is not None
    with database.reading() as session:
        assert session.scalars(select(TokenRow)).one().used is None


@pytest.mark.parametrize(
    ("name", "password", "role", "message"),
    [
        ("", PASSWORD, "admin", "'' is no name of an account"),
        ("a\nb", PASSWORD, "admin", "is no name of an account"),
        ("ben", "short", "admin", "the password has 5 characters; expected 10 to 1024"),
        ("ben", PASSWORD, "king", "'king' is no role; expected worker, viewer, reviewer, admin"),
        ("ann", PASSWORD, "admin", "there is an account ann already"),
    ],
)
def test_what_is_no_account_is_refused(
    credentials: Credentials, name: str, password: str, role: str, message: str
) -> None:
    add(credentials)
    with pytest.raises(DataError, match=message):
        credentials.add_account(name, password, role, who="root", at=NOW)


def test_an_unknown_account_is_named_with_those_there_are(credentials: Credentials) -> None:
    add(credentials)
    for change in (
        lambda: credentials.set_password("ben", PASSWORD, who="root", at=NOW),
        lambda: credentials.remove_account("ben", who="root", at=NOW),
        lambda: credentials.new_token("ben", "a", who="root", at=NOW),
    ):
        with pytest.raises(DataError, match="there is no account ben; there are: ann"):
            change()


def test_changes_of_accounts_are_audited(database: Database, credentials: Credentials) -> None:
    add(credentials)
    credentials.set_password("ann", "another password", who="ann", at=NOW)
    credentials.new_token("ann", "a", who="ann", at=NOW)
    credentials.remove_account("ann", who="root", at=NOW)
    with database.reading() as session:
        rows = session.scalars(select(AuditRow).order_by(AuditRow.id)).all()
    assert [(row.who, row.what) for row in rows] == [
        ("root", "account added"),
        ("ann", "password changed"),
        ("ann", "token made"),
        ("root", "account removed"),
    ]
