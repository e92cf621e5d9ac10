"""kill -9 at random points of calls, on both databases: `make test-crash`.

Prints how many were killed and, of what had been acknowledged, how much was lost (0), came twice
(0), or no longer fits its chain (0). Exit status 1 unless all are 0.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import signal
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any, Literal

from bot import parts
from bot.cli.importing import import_policies
from bot.dialogue.client import Dialogue as Workers
from bot.dialogue.port import Dialogue
from bot.evidence.ledger import verify_chain
from bot.evidence.states import COMPLETED
from bot.evidence.verify import verify_store
from bot.records.sealing import Sealer
from bot.settings import ROOT, Settings
from bot.store import Store
from tests.crash.bridge import lend
from tests.crash.caller import Job, call
from tests.postgres import NoServer, Server

Victim = Literal["process", "worker", "voice"]
REPORTS = 50
"""Reports of a call from its opening to its end, about: a kill falls after one of them."""
QUIET_S = 60.0


@dataclass
class Counts:
    """What happened, and what must not have."""

    kills: Counter[Victim] = field(default_factory=Counter)
    calls: int = 0
    completed: int = 0
    to_human: int = 0
    acknowledged: int = 0
    lost: int = 0
    duplicated: int = 0
    broken: int = 0
    incomplete: int = 0
    partial_recordings: int = 0
    seals: str = ""

    @property
    def good(self) -> bool:
        return not (self.lost or self.duplicated or self.broken or self.incomplete)

    def __str__(self) -> str:
        killed = ", ".join(f"{name} {n}" for name, n in sorted(self.kills.items()))
        return (
            f"kill -9: {self.kills.total()} ({killed}); {self.calls} calls, "
            f"{self.completed} callbacks completed, {self.to_human} with a human; "
            f"answers acknowledged {self.acknowledged}, lost {self.lost}, "
            f"duplicated {self.duplicated}; chains broken {self.broken}, "
            f"records incomplete {self.incomplete}; recordings cut off and filed "
            f"{self.partial_recordings}; {self.seals}"
        )


class Crashes:
    """Calls policyholders and kills who serves them."""

    def __init__(self, folder: Path, url: str, dialogue: Dialogue, seed: int) -> None:
        self._settings = Settings(data=folder / "data", database=url)
        self._url, self._dialogue, self._chance = url, dialogue, Random(seed)
        self._bridge = folder / "bridge"
        self._fork = multiprocessing.get_context("forkserver")
        self._fork.set_forkserver_preload(["tests.crash.caller"])
        self._told: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.counts = Counts()

    async def run(self, kills: dict[Victim, int]) -> Counts:
        self._settings.data.mkdir(parents=True)
        self._settings.audio_folder.mkdir()
        import_policies(self._settings, ROOT / "examples" / "policies.csv")
        victims: list[Victim] = [name for name, n in kills.items() for _ in range(n)]
        self._chance.shuffle(victims)
        server = await lend(self._dialogue, self._bridge)
        with Store.open(self._url, self._settings.key_folder) as self._store:
            policies = [p.number for p in self._store.policies()]
            while victims:
                policy, again = self._chance.choice(policies), True
                while again:  # the same callback, until it is over
                    victim, before = victims.pop() if victims else None, self.counts.kills.total()
                    again = await self._one_call(policy, victim)
                    if victim is not None and self.counts.kills.total() == before:
                        victims.append(victim)  # the call was over too soon
            await asyncio.to_thread(self._judge_all)
        server.close()
        return self.counts

    async def _one_call(self, policy: str, victim: Victim | None) -> bool:
        """Returns whether the call was cut off, so that somebody must call again."""
        ours, theirs = self._fork.Pipe(duplex=False)
        job = Job(
            self._settings.data, self._url, self._bridge, policy, str(uuid.uuid4()),
            speaks=victim == "voice",
        )  # fmt: skip
        process = self._fork.Process(target=call, args=(job, theirs))
        await asyncio.to_thread(process.start)
        theirs.close()
        self.counts.calls += 1
        try:
            callback, ending = await self._follow(process, ours, victim)
        finally:
            ours.close()
            if process.is_alive():
                process.kill()
            await asyncio.to_thread(process.join)
        if callback is not None:
            await asyncio.to_thread(self._judge, callback)
        if ending is None:
            if process.exitcode != -signal.SIGKILL:
                raise RuntimeError("a call ended that nobody had killed")
            return True
        self.counts.completed += ending == "closed"
        self.counts.to_human += ending == "handed_over"
        return False

    async def _follow(
        self, process: BaseProcess, reports: Connection, victim: Victim | None
    ) -> tuple[str | None, str | None]:
        """Hear what it reports; strike once, a little after one of the reports."""
        callback, ending, heard = None, None, 0
        strike = self._chance.randrange(REPORTS) if victim == "process" else 3
        strike += self._chance.randrange(REPORTS - 15) if victim in ("worker", "voice") else 0
        pause = self._chance.random() * 0.03
        while True:
            report = await asyncio.to_thread(_receive, reports)
            if report is None:
                return callback, ending
            match report:
                case ("open", str(opened)):
                    callback = opened
                case ("answered", str(item), str(answer)) if callback is not None:
                    self._told[callback].append((item, answer))
                case ("done", str(how), *_):
                    ending = how
            heard += 1
            if victim is not None and heard > strike:
                await asyncio.sleep(pause)
                if self._kill(victim, process, report):
                    self.counts.kills[victim] += 1
                    victim = None

    def _kill(self, victim: Victim, process: BaseProcess, report: tuple[Any, ...]) -> bool:
        match victim:
            case "process":
                if not process.is_alive():
                    return False
                process.kill()
                return True
            case "worker":
                assert isinstance(self._dialogue, Workers)
                pids = self._dialogue.free_pids  # the next to be asked comes first
                return bool(pids) and _kill(pids[0])
            case "voice":
                pid = report[2] if report[0] == "said" else None
                return pid is not None and _kill(pid)

    def _judge(self, callback: str) -> None:
        """What was acknowledged against what the store holds, after every call."""
        events = self._store.events(callback)
        there = Counter((e.body["item"], e.body["answer"]) for e in events if e.kind == "answered")
        items = Counter(item for item, _ in there.elements())
        told = self._told.pop(callback, [])
        self.counts.acknowledged += len(told)
        self.counts.lost += sum(one not in there for one in told)
        self.counts.duplicated += sum(n - 1 for n in items.values() if n > 1)
        self.counts.broken += bool(verify_chain(events, callback))

    def _judge_all(self) -> None:
        reports = list(verify_store(self._store, self._settings.audio_folder))
        states = {row.id: row.state for row in self._store.callbacks(limit=1000)}
        for report in reports:
            self.counts.broken += not report.integrity
            over = states[report.callback] in COMPLETED
            self.counts.incomplete += over and not report.completeness
            if (over and not report.ok) or not report.integrity:
                print(report)
        self.counts.partial_recordings = sum(
            event.kind == "audio" and event.body["partial"]
            for chain in self._store.chains()
            for event in chain.events
        )
        sealer = Sealer(self._store, self._settings)
        sealer.checkpoint()
        tree = sealer.verify()
        self.counts.broken += not tree.ok
        self.counts.seals = str(tree)


def _receive(reports: Connection) -> tuple[Any, ...] | None:
    """None when the process is gone. Raises TimeoutError when it hangs."""
    try:
        if not reports.poll(QUIET_S):
            raise TimeoutError("a call hangs")
        report: tuple[Any, ...] = reports.recv()
    except (EOFError, ConnectionError):
        return None
    return report


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


DATABASES = ("sqlite", "postgresql")


async def _on(databases: Sequence[str], seed: int, kills: dict[Victim, int]) -> bool:
    dialogue = parts.open_dialogue(Settings(dialogue_workers=2))
    server, good = Server(), True
    await dialogue.start()
    try:
        server.start()
        for name in databases:
            began = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="huifang-crash-") as place:
                folder = Path(place)
                url = (
                    f"sqlite:///{folder / 'data' / 'huifang.db'}"
                    if name == "sqlite"
                    else server.new_database()
                )
                counts = await Crashes(folder, url, dialogue, seed).run(kills)
            print(f"{name}, {time.monotonic() - began:.0f} s: {counts}", flush=True)
            good &= counts.good and counts.kills.total() == sum(kills.values())
    finally:
        server.stop()
        await dialogue.close()
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--process", type=int, default=97, help="per database")
    parser.add_argument("--worker", type=int, default=2)
    parser.add_argument("--voice", type=int, default=3)
    parser.add_argument("--on", choices=DATABASES, help="one of the two only")
    given = parser.parse_args()
    kills: dict[Victim, int] = {
        "process": given.process, "worker": given.worker, "voice": given.voice,
    }  # fmt: skip
    databases = DATABASES if given.on is None else (given.on,)
    try:
        return 0 if asyncio.run(_on(databases, given.seed, kills)) else 1
    except NoServer as error:
        print(error)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
