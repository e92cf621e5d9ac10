#!/usr/bin/env python3
"""Install what is missing, and only that: uv, Debian packages, both environments, models.

Runs on the bare system Python (3.8 or newer, standard library only), so that a fresh clone needs
nothing but python3, make and git. A step that is already done costs a hash of one file.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "build" / "tools"
APP, RASA = ROOT / ".venv", ROOT / ".venv-rasa"
MODEL = ROOT / "models" / "huifang.tar.gz"

# what the program that needs it is called, and the Debian package that has it
RUN_PACKAGES = {"espeak-ng": ["espeak-ng"]}
TEST_PACKAGES = {"chromium": ["chromium", "fonts-wqy-zenhei"], "psql": ["postgresql"]}
PBX_PACKAGES = {"debootstrap": ["debootstrap"], "sipp": ["sip-tester"]}


class Missing(Exception):
    """Something that cannot be installed from here; the message says what to run."""


def say(text: str) -> None:
    print(f"  {text}", flush=True)


def run(*command: str | Path, quiet: bool = True, **env: str) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=ROOT,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join((done.stdout or "").splitlines()[-15:])
        raise Missing(f"`{' '.join(words)}` failed (exit {done.returncode})\n{tail}")


def answers(*command: str | Path) -> str:
    """What a command prints, or "" when it is missing or fails (as pyenv's dead shims do)."""
    try:
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def fingerprint(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def find_uv() -> Path:
    for candidate in (TOOLS / "bin" / "uv", shutil.which("uv")):
        if candidate and answers(candidate, "--version"):
            return Path(candidate)
    say("installing uv into build/tools …")
    if not answers(sys.executable, "-m", "pip", "--version"):
        debian({"pip3": ["python3-pip"]})
    try:
        run(sys.executable, "-m", "pip", "install", "-q", "--target", TOOLS, "uv")
    except Missing as error:
        raise Missing(f"uv is missing; run: python3 -m pip install uv\n{error}") from error
    return TOOLS / "bin" / "uv"


def find_python(uv: Path, versions: tuple[str, ...]) -> Path:
    """A real interpreter of one of `versions`, the first that truly answers."""
    places = [Path(p) for p in os.environ.get("PATH", "").split(os.pathsep) if p]
    places += sorted(Path.home().glob(".pyenv/versions/*/bin"), reverse=True)
    probe = "import sys, venv; print(sys.executable, '%d.%d' % sys.version_info[:2])"
    for version in versions:
        for place in places:
            candidate = place / f"python{version}"
            if candidate.exists():
                executable, _, found = answers(candidate, "-c", probe).rpartition(" ")
                if found == version:
                    return Path(executable)
        found_by_uv = answers(uv, "python", "find", "--managed-python", version)
        if found_by_uv:
            return Path(found_by_uv)
    say(f"no Python {versions[0]} found; asking uv for one …")
    try:
        run(uv, "python", "install", versions[0])
    except Missing as error:
        raise Missing(
            f"Python {versions[0]} is missing; install it (pyenv install {versions[0]}, "
            f"or your system's package) and run make again\n{error}"
        ) from error
    return Path(answers(uv, "python", "find", "--managed-python", versions[0]))


def environment(uv: Path, venv: Path, lock: Path, versions: tuple[str, ...], *extra: str) -> None:
    want, stamp = fingerprint(lock, ROOT / "pyproject.toml"), venv / "lock.sha256"
    if stamp.exists() and stamp.read_text() == want:
        return
    started = time.monotonic()
    say(f"{venv.name}: installing {lock.relative_to(ROOT)} …")
    if not answers(venv / "bin" / "python", "-c", "print(1)"):
        run(uv, "venv", "--clear", "--python", find_python(uv, versions), venv)
    target = {"VIRTUAL_ENV": str(venv)}
    run(uv, "pip", "sync", "--require-hashes", "--compile-bytecode", lock, **target)
    if extra:
        run(uv, "pip", "install", "--no-deps", "--no-build-isolation", *extra, **target)
    stamp.write_text(want)
    say(f"{venv.name}: ready after {time.monotonic() - started:.0f} s")


def debian(packages: dict[str, list[str]]) -> None:
    """Install the Debian packages whose program is missing; without root say what to run."""
    wanted = [p for program, names in packages.items() if not shutil.which(program) for p in names]
    if not wanted:
        return
    command = f"apt-get install -y {' '.join(wanted)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Missing(f"missing: {', '.join(wanted)}; run: sudo {command}")
    say(f"Debian packages: {', '.join(wanted)} …")
    run("apt-get", "update", "-q")
    run(*command.split(), "-q", "--no-install-recommends", DEBIAN_FRONTEND="noninteractive")


def start_asterisk() -> None:
    """Begin to make the exchange of tests/pbx; it is ready long before they begin."""
    script = ROOT / "scripts" / "pbx.py"
    TOOLS.parent.mkdir(exist_ok=True)
    log = (TOOLS.parent / "pbx.log").open("w")
    subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        start_new_session=True,
    )  # fmt: skip


def speech_models(wants_tests: bool) -> None:
    vosk = ["--vosk"] if wants_tests else []
    run(APP / "bin" / "huifang", "models", "fetch", *vosk, quiet=False)


def dialogue_model() -> None:
    sources = [ROOT / "config.yml", ROOT / "domain.yml", ROOT / "requirements" / "rasa.txt"]
    for folder in ("nlu", "stories"):
        sources += [p for p in (ROOT / folder).rglob("*") if p.suffix in {".yml", ".py"}]
    want, stamp = fingerprint(*sources), MODEL.with_suffix(".sha256")
    if MODEL.exists() and stamp.exists() and stamp.read_text() == want:
        return
    started = time.monotonic()
    say("training the dialogue model …")
    run(
        RASA / "bin" / "rasa", "train", "--data", "nlu", "stories", "--fixed-model-name", "huifang",
        RASA_TELEMETRY_ENABLED="false", TF_CPP_MIN_LOG_LEVEL="3",
        SQLALCHEMY_SILENCE_UBER_WARNING="1",
    )  # fmt: skip
    stamp.write_text(want)
    say(f"dialogue model: ready after {time.monotonic() - started:.0f} s")


def dialogue(uv: Path) -> None:
    """Rasa's environment and the model trained in it: as long as everything else together."""
    environment(uv, RASA, ROOT / "requirements" / "rasa.txt", ("3.10",))
    dialogue_model()


def application(uv: Path, wants_tests: bool) -> None:
    """Everything else."""
    lock = ROOT / "requirements" / "app.txt"
    environment(uv, APP, lock, ("3.11", "3.12", "3.13"), "-e", ".")
    debian(RUN_PACKAGES)
    if wants_tests:
        debian(TEST_PACKAGES)
        if os.geteuid() == 0:  # without root the tests on a real Asterisk are skipped
            debian(PBX_PACKAGES)
            start_asterisk()
    speech_models(wants_tests)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", action="store_true", help="also what the tests need")
    wants_tests = parser.parse_args().tests
    print("Setting up (the second time this takes a second) …", flush=True)
    try:
        uv = find_uv()
        with ThreadPoolExecutor(1) as beside:
            trained = beside.submit(dialogue, uv)
            application(uv, wants_tests)
            trained.result()
    except Missing as error:
        print(f"\nSet-up stopped: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
