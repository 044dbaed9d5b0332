"""Each key of a TOML file has a line."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from rattle.station.config.lines import Key, lines_of

TEXT = '''\
# plant = "no key"
plant = "a # no comment [x]" # comment
"quoted key" = 'it is "so"'
long = """
machine = 1
\\""" still """
[web] # web
bind.address = 1
[[machine]]
name = "a"
sources = [ # [
  { name = "x", push = { token = "}" } },
  { name = "y" }, # },
]
[[machine]]
[[machine.sources]]
name = "z"
[[machine.sources]]
[machine.sources.push]
token = "t"
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("plant",), 2),
        (("quoted key",), 3),
        (("long",), 4),
        (("web",), 7),
        (("web", "bind", "address"), 8),
        (("machine",), 9),
        (("machine", 0), 9),
        (("machine", 0, "sources"), 11),
        (("machine", 0, "sources", 0), 12),
        (("machine", 0, "sources", 0, "push", "token"), 12),
        (("machine", 0, "sources", 1, "name"), 13),
        (("machine", 1), 15),
        (("machine", 1, "sources", 0, "name"), 17),
        (("machine", 1, "sources", 1), 18),
        (("machine", 1, "sources", 1, "push", "token"), 20),
    ],
)
def test_a_key_is_found_where_it_stands(key: Key, line: int) -> None:
    tomllib.loads(TEXT)
    assert lines_of(TEXT)[key] == line


def keys_in(value: Any, key: Key = ()) -> set[Key]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = set()
    for step, each in inner:
        found.add((*key, step))
        if isinstance(each, dict | list):
            found |= keys_in(each, (*key, step))
    return found


BARE = st.text("abc_-12", min_size=1, max_size=3)
VALUES = st.recursive(
    st.integers() | st.booleans() | st.text() | st.dates() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(BARE, inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=200)
@given(st.dictionaries(BARE, VALUES, max_size=4), st.booleans())
def test_every_key_of_any_file_is_found(values: dict[str, Any], multiline: bool) -> None:
    text = tomli_w.dumps(values, multiline_strings=multiline)
    assert lines_of(text).keys() == keys_in(tomllib.loads(text))


@given(st.text("ab[]{}=.\"'#,\\\n 1"))
def test_what_is_no_toml_ends_all_the_same(text: str) -> None:
    assert all(1 <= line <= text.count("\n") + 1 for line in lines_of(text).values())
