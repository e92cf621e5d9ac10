"""Several bots on one store: none serves what another has, and the dead leave nothing open."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bot import membership
from bot.callbacks import Callbacks
from bot.cli.importing import import_policies
from bot.errors import ConfigError, OwnershipLost, ServedElsewhere
from bot.evidence.ledger import Draft
from bot.evidence.states import State
from bot.evidence.verify import verify_store
from bot.membership import joined
from bot.phone.dialer import Dialer
from bot.records.recovery import recover_all, recover_orphans
from bot.settings import ROOT, Settings
from bot.store import Store
from bot.store.bots import LEASE, UNHEARD
from tests.conftest import POLICY, HandClock
from tests.unit.test_dialer import Exchange, Words
from voice.pbx_events import Answered

BEAT = timedelta(seconds=membership.BEAT_S)


class Bots:
    """Two of them, each with its own connection and data folder."""

    def __init__(self, url: str, folder: Path) -> None:
        self.clock = HandClock()  # the machines' common time
        self.folder = folder
        import_policies(
            Settings(data=folder, database=url, keys=folder / "keys"),
            ROOT / "examples" / "policies.csv",
        )
        self.a, self.b = (self._start(url, name) for name in ("a", "b"))

    def _start(self, url: str, name: str) -> Callbacks:
        settings = Settings(data=self.folder / name, database=url, keys=self.folder / "keys")
        settings.audio_folder.mkdir(parents=True)
        store = Store.open(url, self.folder / "keys", clock=self.clock.now)
        if url.startswith("postgresql"):
            shared = lambda _: self.clock.wall  # noqa: E731
            store._database.shared_time = shared  # type: ignore[method-assign]
        store.sharing.beat(name)
        return Callbacks(settings, store, self.clock, bot=name)

    def begin(self, callbacks: Callbacks) -> str:
        """A call in progress. Returns the callback."""
        callback = callbacks.open(POLICY, "phone")
        row = callbacks.store.callback(callbacks.serve(callback).callback)
        callbacks.store.append(
            callback, [Draft("called", {"line": "phone"})], wall=self.clock.now(), mono_ms=1,
            generation=row.generation, state="IN_PROGRESS",
        )  # fmt: skip
        return callback

    def outlive(self, *living: Callbacks) -> None:
        """A lease and more goes by in which only these bots say that they live."""
        for _ in range(1 + LEASE // BEAT):
            self.clock.wall += BEAT
            for bot in living:
                bot.store.sharing.beat(bot.bot)

    def close(self) -> None:
        self.a.store.close()
        self.b.store.close()


@pytest.fixture
def bots(url: str, tmp_path: Path) -> Bots:
    return Bots(url, tmp_path)


def test_what_one_bot_has_on_its_line_no_other_serves(bots: Bots) -> None:
    callback = bots.begin(bots.a)
    with pytest.raises(ServedElsewhere):
        bots.b.serve(callback)
    assert callback not in bots.b.served
    bots.a.leave(callback)
    assert bots.a.serve(callback).generation == bots.a.store.callback(callback).generation
    bots.close()


def test_one_line_at_a_time_serves_a_callback(bots: Bots) -> None:
    callback = bots.begin(bots.a)
    assert callback in bots.a.served
    with pytest.raises(ServedElsewhere, match="另一个网页"):
        bots.a.serve(callback)
    bots.a.leave(callback)
    assert callback not in bots.a.served
    bots.close()


def test_a_start_leaves_the_calls_of_living_bots_alone(bots: Bots) -> None:
    callback = bots.begin(bots.a)
    assert recover_all(bots.b, bots.b.settings.audio_folder) == 0
    assert recover_orphans(bots.b, bots.b.settings.audio_folder) == 0
    assert bots.a.store.callback(callback).state is State.IN_PROGRESS
    bots.close()


def test_a_bots_own_start_ends_what_it_had_in_progress(bots: Bots) -> None:
    callback = bots.begin(bots.a)
    assert recover_orphans(bots.a, bots.a.settings.audio_folder) == 0, "it is on our line"
    assert recover_all(bots.a, bots.a.settings.audio_folder) == 1
    assert bots.a.store.callback(callback).state is State.INCOMPLETE
    bots.close()


def test_what_a_bot_has_on_no_line_any_more_can_be_called_again(bots: Bots) -> None:
    callback = bots.begin(bots.a)
    bots.clock.wall += LEASE + timedelta(seconds=1)
    bots.a.store.sharing.beat("a")
    assert recover_orphans(bots.a, bots.a.settings.audio_folder) == 0, "a long silence on our line"
    bots.a.leave(callback)  # and nothing was written about its end
    assert recover_orphans(bots.a, bots.a.settings.audio_folder) == 1
    row = bots.a.store.callback(callback)
    assert (row.state, row.outcome) == (State.INCOMPLETE, "crashed")
    bots.close()


def test_a_call_that_is_on_its_way_back_is_not_given_up(bots: Bots) -> None:
    callback = bots.begin(bots.a)
    bots.a.leave(callback)
    assert recover_orphans(bots.a, bots.a.settings.audio_folder) == 0
    bots.close()


def test_what_a_dead_bot_left_is_ended_and_it_can_write_no_more(bots: Bots) -> None:
    callback = bots.begin(bots.a)
    pen = bots.a.store.callback(callback).generation
    bots.outlive(bots.b)
    assert recover_orphans(bots.b, bots.b.settings.audio_folder) == 1
    row = bots.b.store.callback(callback)
    assert (row.state, row.outcome) == (State.INCOMPLETE, "crashed")
    with pytest.raises(OwnershipLost):
        bots.a.store.append(
            callback, [Draft("flagged", {"code": "late"})], wall=bots.clock.now(), mono_ms=2,
            generation=pen,
        )  # fmt: skip
    assert bots.b.serve(callback).generation > pen
    (report,) = verify_store(bots.b.store)
    assert not report.faults
    bots.close()


@pytest.mark.parametrize("away", [UNHEARD, LEASE, timedelta(hours=1)])
def test_whoever_is_back_first_after_the_store_was_away_ends_nobodys_calls(
    bots: Bots, away: timedelta
) -> None:
    callback = bots.begin(bots.a)
    bots.clock.wall += BEAT
    bots.b.store.sharing.beat("b")  # and before the other one can say so again, the store is away
    bots.clock.wall += away + timedelta(seconds=1)
    with pytest.raises(ServedElsewhere):
        bots.b.serve(callback)
    bots.b.store.sharing.beat("b")
    assert recover_orphans(bots.b, bots.b.settings.audio_folder) == 0
    with pytest.raises(ServedElsewhere):
        bots.b.serve(callback)
    assert bots.a.store.callback(callback).state is State.IN_PROGRESS
    bots.outlive(bots.b)
    assert recover_orphans(bots.b, bots.b.settings.audio_folder) == 1, "it did not come back"
    bots.close()


def test_a_bot_whose_clock_is_late_is_not_taken_for_dead(bots: Bots, url: str) -> None:
    if not url.startswith("postgresql"):
        pytest.skip("bots on one machine have one clock")
    for bot in (bots.a, bots.b):
        del bot.store._database.shared_time  # type: ignore[attr-defined]  # the database's own
    bots.a.store.sharing._clock = lambda: bots.clock.wall - 2 * LEASE
    bots.a.store.sharing.beat("a")
    callback = bots.begin(bots.a)
    assert recover_orphans(bots.b, bots.b.settings.audio_folder) == 0
    assert bots.a.store.callback(callback).state is State.IN_PROGRESS
    bots.close()


def test_a_callback_between_two_calls_belongs_to_whoever_calls_next(bots: Bots) -> None:
    callback = bots.begin(bots.a)
    assert recover_all(bots.a, bots.a.settings.audio_folder) == 1
    pen = bots.b.serve(callback)
    assert pen.generation == bots.b.store.callback(callback).generation
    bots.close()


async def test_the_outcome_of_a_call_comes_between_no_events_of_another_bots_chat(
    bots: Bots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its events would be counted by two, and the record fail its check."""
    monkeypatch.setattr("bot.phone.dialer.POLL_S", 0)
    exchange, told = Exchange(), asyncio.Event()
    dialer = Dialer(bots.a, exchange, exchange, Words())  # type: ignore[arg-type]
    callback = bots.a.open(POLICY, "phone")
    bots.a.store.book(callback, bots.clock.now())
    assert await dialer.round() == 1
    pen = bots.b.serve(callback)
    await pen.write([Draft("called", {"line": "chat"})], state="IN_PROGRESS")
    exchange.look = told.set
    dialer.on_pbx(Answered(exchange.asked[0][0]))
    await asyncio.wait_for(told.wait(), 5)
    await pen.write([Draft("silence", {"waited_s": 1.0})], state="INCOMPLETE")
    assert pen.next_seq == len(bots.a.store.events(callback))
    await dialer.close()
    assert bots.a.store.events(callback)[-1].kind == "dial_ended"


async def test_a_bot_whose_help_for_the_dead_fails_still_says_that_it_lives(
    bots: Bots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "BEAT_S", 0.0)
    beats: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    store = bots.a.store.sharing
    monkeypatch.setattr(store, "beat", lambda bot: loop.call_soon_threadsafe(beats.put_nowait, bot))

    def fails() -> None:
        raise PermissionError("a recording of another user")

    living = asyncio.create_task(membership.live(store, "one", fails))
    async with asyncio.timeout(5):
        assert [await beats.get() for _ in range(3)] == ["one"] * 3
    living.cancel()


async def test_screens_of_one_bot_follow_what_another_writes(bots: Bots, url: str) -> None:
    if not url.startswith("postgresql"):
        assert await bots.b.store.sharing.follow(lambda *_: None) is None
        bots.close()
        return
    heard: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
    notices = bots.b.store.sharing.follow(lambda *told: heard.put_nowait(told))
    following = asyncio.create_task(notices)
    assert await asyncio.wait_for(heard.get(), 10) == ("", True), "the screens read the store once"
    callback = await asyncio.to_thread(bots.begin, bots.a)
    for _ in range(2):  # created, called
        assert await asyncio.wait_for(heard.get(), 10) == (callback, True)
    row = bots.a.store.callback(callback)
    flag = Draft("flagged", {"code": "P18_INTERFERENCE"})
    await asyncio.to_thread(
        bots.a.store.append,
        callback,
        [flag],
        wall=bots.clock.now(),
        mono_ms=2,
        generation=row.generation,
    )
    assert await asyncio.wait_for(heard.get(), 10) == (callback, False), "no queue changed"
    following.cancel()
    bots.close()


HOLD = """
import sys
from pathlib import Path
from bot.membership import joined
with joined(Path(sys.argv[1])) as bot:
    print(bot, flush=True)
    sys.stdin.read()
"""


def test_one_process_has_a_data_folder_and_a_killed_one_has_it_no_more(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout is not None
    name = holder.stdout.readline().strip()
    with pytest.raises(ConfigError, match="another huifang"), joined(tmp_path):
        pass
    holder.kill()
    holder.communicate()
    with joined(tmp_path) as bot:
        assert bot == name
