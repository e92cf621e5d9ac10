"""Where tests write: into memory, if this machine has room, so that they wait for no disk.

A test run commits thousands of times, each to the disk at once, as callbacks need it. That
the stores ask for it is tested; what survives the death of a process survives it in memory too.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM = 2 << 30  # bytes; the largest of 15 kept runs was 144 MB, and pytest keeps three


def folder() -> Path:
    """The folder for all temporary ones."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM:
        return MEMORY
    return Path(tempfile.gettempdir())
