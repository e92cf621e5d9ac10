"""A PostgreSQL server of our own for tests: Debian's binaries, a new folder, a Unix socket only.

It has no TCP port at all, so nothing on the machine can clash with it. PostgreSQL refuses to run as
root; then it runs as the user `postgres` that Debian's package makes.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path

import psycopg


class NoServer(Exception):
    """PostgreSQL is not installed; the message says what to install."""


class Server:
    """`start` it, make as many databases as you like, `stop` it."""

    def __init__(self, place: Path = Path("/tmp")) -> None:
        """`place`: where its folder is made; of a short name, for the socket's sake."""
        self._folder = Path(tempfile.mkdtemp(prefix="huifang-pg-", dir=place))
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count()
        self._user = None if os.geteuid() else "postgres"

    def start(self) -> None:
        """Raises NoServer."""
        bin = binaries()
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        data = self._folder / "data"
        self._run(
            bin / "initdb", "-D", data, "-U", "huifang", "-A", "trust", "--no-sync",
            "--encoding=UTF8", "--locale=C.UTF-8",
        )  # fmt: skip
        self._process = subprocess.Popen(
            [
                bin / "postgres", "-D", data, "-k", self._folder, "-c", "listen_addresses=",
                "-c", "shared_buffers=64MB", "-c", "max_connections=60",
            ],
            stdout=subprocess.DEVNULL, stderr=(self._folder / "log").open("wb"), **self._as(),
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError((self._folder / "log").read_text("utf-8", "replace"))
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # at once, whoever is still connected
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def new_database(self) -> str:
        """The URL of an empty one."""
        name = f"huifang_{next(self._names)}"
        with psycopg.connect(self._info("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"postgresql+psycopg://huifang@/{name}?host={self._folder}"

    def _info(self, database: str) -> str:
        return f"host={self._folder} user=huifang dbname={database} connect_timeout=2"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._info("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, *command: object) -> None:
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False,
            cwd=self._folder, **self._as(),
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr)

    def _as(self) -> dict[str, object]:
        environment = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "TZ")}
        if self._user is None:
            return {"env": environment}
        owner = pwd.getpwnam(self._user)
        return {
            "env": environment, "user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": [],
        }  # fmt: skip


def binaries() -> Path:
    """Where the newest server is. Raises NoServer."""
    found = sorted(
        (p for p in Path("/usr/lib/postgresql").glob("*/bin") if (p / "initdb").exists()),
        key=lambda path: float(path.parent.name),
    )
    if not found or float(found[-1].parent.name) < 15:
        raise NoServer("PostgreSQL 15 is not installed; as root: apt-get install postgresql")
    return found[-1]
