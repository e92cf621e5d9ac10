"""A loop that hangs ends the process; one that works does not."""

from __future__ import annotations

import subprocess
import sys

from bot.watchdog import STATUS

PROGRAM = """
import asyncio, time
from bot.watchdog import Watchdog

async def main():
    async with Watchdog(limit_s={limit}):
        await asyncio.sleep(0.05)
        time.sleep({hang})
    print("served")

asyncio.run(main())
"""


def run(limit: float, hang: float) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(limit=limit, hang=hang)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_hang_ends_the_process_and_says_why() -> None:
    ended = run(limit=0.3, hang=30)
    assert ended.returncode == STATUS
    assert "no sign of life" in ended.stderr
    assert ended.stdout == ""


def test_a_short_stall_is_lived_with() -> None:
    ended = run(limit=20, hang=0.2)
    assert (ended.returncode, ended.stdout) == (0, "served\n")
