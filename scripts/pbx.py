#!/usr/bin/env python3
"""Put a real Asterisk into build/pbx for the tests: a Debian chroot, made once (root, about 80 s).

Debian's stable release carries no Asterisk; the packages come from sid, from the mirror this
machine's apt uses already. The system itself is not changed.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PBX = ROOT / "build" / "pbx"
SUITE = "sid"
PACKAGES = "asterisk asterisk-modules asterisk-core-sounds-en-gsm"
STAMP = "huifang-pbx-ready"


def missing() -> str:
    """Why it cannot be made here; "" if it can, or is there already."""
    if (PBX / STAMP).exists():
        return ""
    if os.geteuid() != 0:
        return "a chroot with Asterisk needs root: sudo python3 scripts/pbx.py"
    if not shutil.which("debootstrap"):
        return "debootstrap is missing: apt-get install -y debootstrap"
    if not mirror():
        return "apt's sources name no Debian mirror"
    return ""


def mirror() -> str:
    """The Debian mirror of this machine's apt, without a trailing slash."""
    apt = Path("/etc/apt")
    for file in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        found = re.search(r"^(?!\s*#).*?(https?://\S+/debian)/?(?=\s|$)", text, re.MULTILINE)
        if found:
            return found[1]
    return ""


def build(progress: Callable[[str], None] = print) -> None:
    """Make build/pbx. Raises RuntimeError with what failed; a half-made one is thrown away."""
    PBX.parent.mkdir(parents=True, exist_ok=True)
    with PBX.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # who comes second waits, and finds it made
        if not (PBX / STAMP).exists():
            _build(progress)


def _build(progress: Callable[[str], None]) -> None:
    why = missing()
    if why:
        raise RuntimeError(why)
    started = time.monotonic()
    progress("Asterisk for the tests: a Debian chroot in build/pbx …")
    shutil.rmtree(PBX, ignore_errors=True)
    script = Path("/usr/share/debootstrap/scripts/sid")
    keyring = "--keyring=/usr/share/keyrings/debian-archive-keyring.gpg"
    run("debootstrap", "--variant=minbase", keyring, SUITE, PBX, mirror(), script)
    shutil.copy("/etc/resolv.conf", PBX / "etc" / "resolv.conf")
    options = 'APT::Install-Recommends "false";\nAcquire::Check-Valid-Until "false";\n'
    (PBX / "etc/apt/apt.conf.d/99pbx").write_text(options, encoding="ascii")
    policy = PBX / "usr/sbin/policy-rc.d"  # nothing is started while packages are installed
    policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    policy.chmod(0o755)
    run("chroot", PBX, "apt-get", "update", "-q")
    run("chroot", PBX, "apt-get", "install", "-y", "-q", *PACKAGES.split())
    run("chroot", PBX, "apt-get", "clean")
    (PBX / STAMP).touch()
    progress(f"Asterisk for the tests: ready after {time.monotonic() - started:.0f} s")


def run(*command: object) -> None:
    words = [str(word) for word in command]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=environment,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
        raise RuntimeError(f"`{' '.join(words)}` failed (exit {done.returncode})\n{tail}")


def main() -> int:
    try:
        build(progress=lambda text: print(f"  {text}", flush=True))
    except RuntimeError as error:
        print(f"\nAsterisk for the tests: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
