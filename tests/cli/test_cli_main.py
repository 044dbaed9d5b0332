"""The command line as a whole: verbs, exit codes, errors."""

from __future__ import annotations

import importlib
import inspect
import os
import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

import rattle as rattle_package
from rattle import bundle as bundle_room
from rattle.cli import VERBS, main, name_of
from rattle.cli.terminal.options import OPTIONS, told
from rattle.errors import TrainingError


def verb_of(name: str) -> Callable[..., int]:
    module = importlib.import_module(f"rattle.cli.{name_of(name)}")
    found: Callable[..., int] = getattr(module, name_of(name))
    return found


@pytest.mark.parametrize("name", VERBS)
def test_every_parameter_of_a_verb_is_explained(name: str) -> None:
    verb = verb_of(name)
    described = inspect.getdoc(verb)
    assert described is not None
    _, _, parameters = described.partition("Parameters\n----------\n")
    explained = re.findall(r"^(\w+)\n    \S", parameters, re.MULTILINE)
    assert explained == list(inspect.signature(verb).parameters)


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_help_that_names_its_options(name: str, rattle: Any) -> None:
    code, out, err = rattle(name, "--help")
    assert (code, err) == (0, "")
    for option, parameter in inspect.signature(verb_of(name)).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            assert f"--{option.replace('_', '-')}" in out
    assert "--no-" not in out


def test_the_overview_says_what_each_verb_does_in_the_order_of_the_work(rattle: Any) -> None:
    code, out, err = rattle()
    assert (code, err) == (0, "")
    assert rattle("--help").out == out
    shown = re.findall(r"^│ ([a-z][\w-]*) +([^│]+)", out, re.MULTILINE)
    assert tuple(name for name, _ in shown) == VERBS
    for name, summary in shown:
        assert (inspect.getdoc(verb_of(name)) or "").startswith(summary.split("  ")[0].rstrip())


@pytest.mark.parametrize(
    "words",
    [
        ["nosuch"],
        ["score"],
        ["score", "some.rattle"],
        ["train", "data"],
        ["train", "data", "--machine", "fan", "--method", "magic"],
        ["train", "data", "--machine", "fan", "--seed", "one"],
        ["inspect", "some.rattle", "--loudly"],
        ["download", "dcase1999", "--to", "data"],
    ],
    ids=" ".join,
)
def test_a_command_line_that_makes_no_sense_exits_2(words: list[str], rattle: Any) -> None:
    code, out, err = rattle(*words)
    assert code == 2
    assert out == ""
    assert "Error" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["check", "nosuch"], "there is no such folder or CSV file"),
        (["train", "nosuch", "--machine", "fan"], "there is no such folder or CSV file"),
        (["score", "nosuch.rattle", "x.wav"], "there is no bundle nosuch.rattle"),
        (["evaluate", "nosuch", "--bundles", "nosuch"], "there is no such folder or CSV file"),
        (["inspect", "nosuch.rattle"], "there is no bundle nosuch.rattle"),
    ],
)
def test_what_is_missing_exits_2_with_a_message(
    words: list[str],
    message: str,
    rattle: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = rattle(*words)
    assert (code, out) == (2, "")
    assert err.startswith("rattle: error: ")
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_an_error_is_told_with_what_to_type(rattle: Any, tmp_path: Path) -> None:
    code, _, err = rattle("score", tmp_path / "no.rattle", "x.wav", "--device", "cuda:7")
    assert code == 2
    assert err.endswith("train a detector first (rattle train makes a bundle)\n")


def test_what_to_type_is_known_for_every_argument_that_a_message_is_about() -> None:
    named = set()
    for file in Path(rattle_package.__file__).parent.rglob("*.py"):
        for some in re.findall(r'argument=(".*?"|\(.*?\))', file.read_text(encoding="utf-8")):
            named |= set(re.findall(r'"(\w+)"', some))
    assert named == OPTIONS.keys()


def test_an_error_from_another_process_still_says_what_it_is_about() -> None:
    for argument, said in (
        ("out", "(--out FOLDER)"),
        (["resume", "out"], "(--resume, --out FOLDER)"),
    ):
        error = pickle.loads(pickle.dumps(TrainingError("no", argument=argument)))  # noqa: S301
        assert isinstance(error, TrainingError)
        assert told(error) == f"no {said}"


def test_no_text_of_the_library_names_an_option() -> None:
    """It speaks of facts; the command line, of flags."""
    package = Path(rattle_package.__file__).parent
    for file in package.rglob("*.py"):
        if "cli" not in file.relative_to(package).parts:
            named = re.findall(r"""[\s"'`]--[a-z][a-z-]+""", file.read_text(encoding="utf-8"))
            assert not named, f"{file}: {named}"


def test_a_bug_is_one_line_and_a_log(
    rattle: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_loading(monkeypatch, ZeroDivisionError("of nothing"))
    monkeypatch.chdir(tmp_path)
    code, out, err = rattle("inspect", "some.rattle")
    assert (code, out) == (2, "")
    assert err == (
        "rattle: error: a bug in rattle: ZeroDivisionError: of nothing; "
        "details are in rattle-bug.log\n"
    )
    log = (tmp_path / "rattle-bug.log").read_text()
    assert log.startswith("Traceback")
    assert "ZeroDivisionError: of nothing" in log


def test_a_bug_shows_its_traceback_where_debugging_is_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_loading(monkeypatch, ZeroDivisionError("of nothing"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RATTLE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["inspect", "some.rattle"])
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line(rattle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _break_loading(monkeypatch, OSError(28, "No space left on device", "/data/x"))
    assert rattle("inspect", "some.rattle") == (
        2,
        "",
        "rattle: error: No space left on device: /data/x\n",
    )


def test_a_processor_that_polars_would_crash_on_is_told(
    rattle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the words of polars' own check, which warns and goes on."""

    def as_polars_does(path: Path) -> None:
        warnings.warn(
            "Missing required CPU features.\n\nThe following required CPU features were not "
            "detected:\n    avx, avx2, fma\nContinuing will likely result in a crash.",
            RuntimeWarning,
            stacklevel=2,
        )
        raise AssertionError("it went on")

    monkeypatch.setattr(bundle_room, "read_bundle", as_polars_does)
    code, out, err = rattle("inspect", "some.rattle")
    assert (code, out) == (2, "")
    assert "this processor lacks avx, avx2, fma, " in err
    assert "pip install 'polars[rtcompat]'" in err


def test_memory_that_runs_out_is_no_bug(rattle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _break_loading(monkeypatch, MemoryError("Unable to allocate 7 GiB"))
    code, out, err = rattle("inspect", "some.rattle")
    assert (code, out) == (2, "")
    assert err.startswith("rattle: error: memory ran out (Unable to allocate 7 GiB); give shorter")


def test_ctrl_c_exits_130(rattle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _break_loading(monkeypatch, KeyboardInterrupt())
    assert rattle("inspect", "some.rattle") == (130, "", "rattle: interrupted\n")


def test_a_reader_that_goes_away_gets_no_traceback(bundle_file: Path, factory: Path) -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from rattle.cli import main; main()",
            "score",
            bundle_file,
            factory,
        ],
        # Buffered, as a shell runs it, the closed pipe is met only at the last flush.
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()  # as ``| head -1`` does once it has its line
    _, err = process.communicate()
    lines = err.decode().splitlines()
    assert process.returncode == 2
    assert [line for line in lines if not line.startswith("rattle: warning: ")] == []


def test_output_that_a_full_disk_does_not_take_is_told(bundle_file: Path) -> None:
    process = _redirected("inspect", bundle_file, to="> /dev/full")
    assert process.returncode == 2
    assert process.stderr == (
        "rattle: error: standard output cannot be written (No space left on device), what is there "
        "is not whole; make room on the disk, or send it elsewhere\n"
    )


def test_output_that_the_shell_has_closed_is_not_missed(bundle_file: Path) -> None:
    process = _redirected("inspect", bundle_file, to=">&-")
    assert (process.returncode, process.stderr) == (0, "")


def _redirected(*words: object, to: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from rattle.cli import main; main()", *map(str, words)]
    return subprocess.run(
        ["sh", "-c", f'"$@" {to}', "sh", *command], capture_output=True, text=True, check=False
    )


def _break_loading(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def load(*_: object, **__: object) -> NoReturn:
        raise error

    monkeypatch.setattr(bundle_room, "read_bundle", load)
