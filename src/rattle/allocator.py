"""Keep freed memory in the process."""

from __future__ import annotations

import ctypes
import sys

# <malloc.h>
M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4
KEEP_BYTES = 2**31 - 1


def keep_freed_memory() -> None:
    """Ask glibc to keep freed memory for the next allocation; nothing elsewhere.

    Training and scoring allocate and free the same large arrays over and over. By default glibc
    returns each to the kernel, which has to zero its pages the next time: a training step of the
    small recipe takes 1.1 times the CPU time, and the spectrum of a window three times
    (``benchmarks/allocator.py``, two cores).
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # another C library than glibc: its own allocator
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, KEEP_BYTES)
