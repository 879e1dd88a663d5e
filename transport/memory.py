"""What a process that runs for days does about its memory, once it has started."""

from __future__ import annotations

import ctypes
import gc
import sys


def settle() -> None:
    """Keep the garbage collector off what lives as long as the process: shorter pauses."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def give_back() -> None:
    """Give free memory back to the system, also what lies between memory in use; takes some ms.

    After much was freed. Nothing happens where the C library has no such function (not glibc).
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
