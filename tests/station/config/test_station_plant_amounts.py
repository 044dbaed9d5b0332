"""Amounts and defaults are written as the file has them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic.fields import FieldInfo

from rattle.station.config.amounts import read_bytes, read_time, read_time_or_none
from rattle.station.config.model import Plant, keys_of
from rattle.station.config.written import written, written_default, written_example


@pytest.mark.parametrize(
    "text",
    ["20", "20GB!", "0 GB", "-1 GB", 20, "20 gb", "1e9 GB", None, "1000001 TB", f"{'9' * 320} GB"],
)
def test_what_is_no_amount_of_storage_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match='expected an amount such as "500 MB"'):
        read_bytes(text)


@pytest.mark.parametrize(
    "text", ["60", "0 days", "1.5 days", 60, "60 hours", "101 years", f"{'9' * 5000} days"]
)
def test_what_is_no_time_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match='expected a time such as "60 days"'):
        read_time(text)


@pytest.mark.parametrize("text", ["0 days", "None", "no", "", 0, None, "30", "10000 years"])
def test_what_is_neither_a_time_nor_none_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r'expected a time .*"100 years", or "none"'):
        read_time_or_none(text)


@pytest.mark.parametrize(
    ("key", "default"),
    [
        ("keep.clips", '"20 GB"'),
        ("keep.embeddings", '"60 days"'),
        ("keep.sound", '"30 days"'),
        ("keep.scores", '"1 year"'),
        ("database", '"sqlite"'),
        ("data", '"rattle-station"'),
        ("machine.false_alarms_per_week", "1.0"),
        ("machine.sources.push.sample_rate_hz", "16000"),
        ("web.trusted_proxies", "[]"),
        ("web.address", None),
        ("plant", None),
        ("web", None),
    ],
)
def test_a_default_is_written_as_the_file_has_it(key: str, default: str | None) -> None:
    assert written_default(dict(keys_of(Plant))[key]) == default


def test_where_there_is_no_default_an_example_is_written() -> None:
    fields: dict[str, FieldInfo] = dict(keys_of(Plant))
    assert written_example(fields["web.trusted_proxies"]) == '["10.0.0.5"]'
    assert written_example(fields["machine.sources.url"]) == '"env:PRESS3_URL"'
    assert written_example(fields["web.bind"]) == '"127.0.0.1:8765"'


def test_the_longest_time_still_has_a_beginning() -> None:
    assert datetime.now(UTC) - read_time("100 years") > datetime.min.replace(tzinfo=UTC)


def test_no_time_at_all_is_written_and_read_as_none() -> None:
    assert written(read_time_or_none("none")) == '"none"'
    assert read_time_or_none("2 weeks") == read_time("2 weeks")
