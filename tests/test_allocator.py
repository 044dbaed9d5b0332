"""Freed memory stays with the process, and nothing happens where that cannot be asked for."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys

import pytest

from rattle.allocator import keep_freed_memory

# Ten times 40 MiB, written to and freed: more than glibc keeps by itself, whatever its tuning.
PAGE_FAULTS = """
import resource, sys
if sys.argv[1] == "keep":
    from rattle.allocator import keep_freed_memory
    keep_freed_memory()
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
b"x" * (40 << 20)
before = faults()
for _ in range(10):
    bytes(b"x" * (40 << 20))
print(faults() - before)
"""


class Library:
    """A C library that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def mallopt(self, parameter: int, value: int) -> int:
        self.asked.append((parameter, value))
        return 1


@pytest.fixture
def library(monkeypatch) -> Library:
    library = Library()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    return library


def page_faults(how: str) -> int:
    ran = subprocess.run(
        [sys.executable, "-c", PAGE_FAULTS, how], capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone is asked")
def test_memory_freed_and_taken_again_costs_hardly_a_page_fault() -> None:
    assert page_faults("keep") * 10 < page_faults("as it is")


def test_large_blocks_are_not_mapped_and_the_heap_is_not_trimmed(library, monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    keep_freed_memory()
    # M_MMAP_MAX and M_TRIM_THRESHOLD of <malloc.h>.
    assert library.asked == [(-4, 0), (-1, 2**31 - 1)]


def test_other_systems_are_left_alone(library, monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    keep_freed_memory()
    assert library.asked == []


def test_a_c_library_without_mallopt_is_left_alone(monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    keep_freed_memory()
