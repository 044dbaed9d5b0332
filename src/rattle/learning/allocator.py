"""Memory that a training frees stays with the process."""

from __future__ import annotations

import ctypes
import sys

# <malloc.h>
M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4
KEEP_BYTES = 2**31 - 1


def keep_freed_memory() -> None:
    """Ask glibc to keep freed memory for the next allocation; nothing elsewhere.

    A training step allocates and frees the same large tensors over and over. By default glibc
    returns each to the kernel, which has to zero its pages at the next step: some 19,000 page
    faults an iteration of the small recipe instead of some hundred (``benchmarks/allocator.py``).
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # another C library than glibc: its own allocator
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, KEEP_BYTES)
