"""``rattle station``: one mode a call; --check and --init as a user meets them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PLANT = """\
plant = "hall-3"
[web]
bind = "127.0.0.1:0"
[keep]
clips = "1 MB"
[[machine]]
name = "synth fan id 00"
bundle = "{bundle}"
sources = [{{ name = "in", push = {{ token = "one" }} }}]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty folder that the command line runs in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_mode_a_call(rattle: Any, here: Path) -> None:
    code, out, err = rattle("station")
    assert (code, out) == (2, "")
    assert "give one of --config, --check, --init and --demo; found none" in err
    code, _, err = rattle("station", "--demo", "--check", "plant.toml")
    assert code == 2
    assert "found --check and --demo" in err


@pytest.mark.parametrize("words", [["--to", "x"], ["--port", "80"]], ids=" ".join)
def test_what_is_of_the_demo_is_refused_elsewhere(words: list[str], rattle: Any) -> None:
    code, _, err = rattle("station", "--check", "plant.toml", *words)
    assert code == 2
    assert "--to and --port are of --demo; leave them out beside --check" in err


@pytest.mark.parametrize("port", ["0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(port: str, rattle: Any, here: Path) -> None:
    code, out, err = rattle("station", "--demo", f"--port={port}")
    assert (code, out) == (2, "")
    assert err == f"rattle: error: {port} is no port; expected 1 to 65535\n"
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("mode", ["--config", "--check"])
def test_a_file_that_is_missing_or_not_valid_exits_2(mode: str, rattle: Any, here: Path) -> None:
    code, out, err = rattle("station", mode, "plant.toml")
    assert (code, out) == (2, "")
    assert "there is no file plant.toml (rattle station --init PLACE writes one)" in err
    (here / "plant.toml").write_text('plant = "a"\nmachin = 1\n')
    code, out, err = rattle("station", mode, "plant.toml")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "rattle: error: plant.toml is not valid:",
        "  machine: is missing. The machines, one a table.",
        "  line 2, machin: there is no such key; did you mean machine?",
    ]


def test_check_exits_0_where_all_is_well_and_1_where_something_is_not(
    rattle: Any, here: Path, exported_file: Path, bundle_file: Path
) -> None:
    path = here / "plant.toml"
    path.write_text(PLANT.format(bundle=exported_file))
    assert rattle("station", "--check", path) == (0, "1 machine, 1 source\nno findings\n", "")
    path.write_text(PLANT.format(bundle=bundle_file))
    code, out, _ = rattle("station", "--check", path)
    assert code == 1
    assert out.splitlines()[1:] == [
        f"error: line 8, machine[0].bundle: {bundle_file} holds no graph; export it first "
        "(rattle export BUNDLE)"
    ]


def test_check_exits_0_with_a_warning_alone(rattle: Any, here: Path, exported_file: Path) -> None:
    path = here / "plant.toml"
    path.write_text(PLANT.format(bundle=exported_file).replace("127.0.0.1", "0.0.0.0"))  # noqa: S104
    code, out, _ = rattle("station", "--check", path)
    assert code == 0
    assert out.splitlines()[1:] == [
        "warning: line 3, web.bind: 0.0.0.0 is reached by other machines: the station starts there "
        "once it has an account (rattle station-account CONFIG NAME --role admin)"
    ]


def test_init_writes_a_plant_of_bundles_that_check_accepts(
    rattle: Any, here: Path, exported_file: Path
) -> None:
    (here / "runs").mkdir()
    (here / "runs" / "fan.rattle").write_bytes(exported_file.read_bytes())
    code, out, err = rattle("station", "--init", "runs")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "plant.toml: 1 machine, 1 source. Next:",
        "  write into plant.toml where the sound of each machine comes from",
        "  rattle station --check plant.toml",
        "  rattle station --config plant.toml",
    ]
    code, out, _ = rattle("station", "--check", "plant.toml")
    assert "error" not in out
    assert code == 0


def test_init_says_which_bundles_it_left_out_and_which_need_a_graph(
    rattle: Any, here: Path, bundle_file: Path
) -> None:
    (here / "a b.rattle").write_bytes(bundle_file.read_bytes())
    (here / "broken.rattle").write_bytes(b"no zip")
    code, out, err = rattle("station", "--init", ".")
    assert code == 1
    assert "  rattle export 'a b.rattle'" in out.splitlines()
    assert err.startswith("rattle: warning: left out: broken.rattle is not a whole rattle bundle")
    assert (here / "plant.toml").exists()


def test_init_of_recordings_says_how_to_train_what_it_names(
    rattle: Any, here: Path, factory: Path
) -> None:
    code, out, err = rattle("station", "--init", factory)
    assert (code, err) == (0, "")
    assert out.splitlines()[:3] == [
        "plant.toml: 2 machines, 2 sources. Next:",
        f"  rattle train {factory} --machine all",
        "  rattle export runs/MACHINE.rattle     (of each machine)",
    ]
    text = (here / "plant.toml").read_text()
    assert 'bundle = "runs/synth_fan_id_00.rattle"' in text
    code, out, _ = rattle("station", "--check", "plant.toml")
    assert code == 1
    assert out.count("there is no bundle") == 2


def test_init_writes_over_nothing_and_reads_nothing_then(rattle: Any, here: Path) -> None:
    (here / "plant.toml").write_text("mine")
    code, out, err = rattle("station", "--init", "nosuch")
    assert (code, out) == (2, "")
    assert "plant.toml is there already and stays as it is" in err
    assert (here / "plant.toml").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nosuch", "there is no nosuch; give a folder of bundles, such as runs, or one of record"),
        ("broken.rattle", "broken.rattle holds no bundle that a station can use"),
        ("empty", "empty"),
    ],
)
def test_init_of_what_holds_nothing_writes_nothing(
    name: str, said: str, rattle: Any, here: Path
) -> None:
    (here / "empty").mkdir()
    (here / "broken.rattle").write_bytes(b"no zip")
    code, out, err = rattle("station", "--init", name)
    assert (code, out) == (2, "")
    assert said in err
    assert not (here / "plant.toml").exists()


WITHOUT_EXTRA = """
import sys
for name in ("alembic", "argon2", "fastapi", "psycopg", "sqlalchemy", "ulid", "uvicorn"):
    sys.modules[name] = None
from rattle.cli import main
main(sys.argv[1:])
"""


def without_the_extra(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRA, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "words",
    [
        ["station", "--config", "plant.toml"],
        ["station", "--demo"],
        ["station-account", "plant.toml", "ann", "--role", "admin"],
    ],
    ids=" ".join,
)
def test_without_the_extra_it_says_what_to_install(
    words: list[str], here: Path, exported_file: Path
) -> None:
    (here / "plant.toml").write_text(PLANT.format(bundle=exported_file))
    ran = without_the_extra(*words)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert re.fullmatch(
        r"rattle: error: the station takes \w+, which is not installed here: pip install "
        r"'rattle\[station\]'\n",
        ran.stderr,
    )
    assert [path.name for path in here.iterdir()] == ["plant.toml"]


def test_a_plants_file_is_written_and_checked_without_the_extra(
    here: Path, exported_file: Path
) -> None:
    assert without_the_extra("station", "--init", exported_file).returncode == 0
    ran = without_the_extra("station", "--check", "plant.toml")
    assert (ran.returncode, ran.stderr) == (0, "")
