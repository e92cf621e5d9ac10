"""Real SIP calls through a real Asterisk with the product's own dialplan: what the caller, the
agent and the carrier hear, and what was committed.

Played once, all at the same time as far as they can be; each test looks at one thing that must be
true afterwards.
"""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from bot.evidence.ledger import Event
from bot.evidence.states import State
from bot.evidence.verify import verify_store
from bot.phone.dialer import undecided
from tests.pbx.asterisk import NUMBER
from tests.pbx.phones import Phone
from tests.pbx.stage import RING_S, Policyholder, Stage, agents, stage
from voice.dsp import level_dbfs

TEXTS = {
    "human": "我要转人工。",
    "time": "明天下午三点。",
    "yes": "是的，我是本人。",
    "voicemail": "您好，我现在不方便接听电话，请在嘀声后留言。",
    "off": "您好，您拨打的用户已关机，请稍后再拨。",
}
KEYS = {"O4": "1", "I1": "1", "I2": "key:birth", "Z1": "2"}
WHOLE, ZERO, WORD = "902626001083", "902626001018", "902626001067"
OPENING, IDENTITY, ITEMS = "902626001026", "902626001034", "902626001059"
OUT, MAIL, OFF, NOBODY = "902626001042", "902626001075", "902626001091", "902626001109"
REFUSALS = {OPENING: 486, IDENTITY: 603, ITEMS: 404, WORD: 0}  # numbers dialled afterwards
OUTCOMES = {OPENING: "busy", IDENTITY: "rejected", ITEMS: "no_such_number", WORD: "no_answer"}


@dataclass
class Played:
    """What is left of all calls."""

    stage: Stage
    callback: dict[str, str] = field(default_factory=dict)  # by policy number
    phone: dict[str, Phone] = field(default_factory=dict)
    agent: dict[str, Phone] = field(default_factory=dict)
    dialled: dict[str, str] = field(default_factory=dict)  # callbacks of refused calls
    after_restart: list[Event] = field(default_factory=list)

    def of(self, number: str, kind: str) -> list[Event]:
        return self.stage.of(self.callback[number], kind)

    def one(self, number: str, kind: str) -> Event:
        return self.of(number, kind)[-1]

    def state(self, number: str) -> State:
        return self.stage.house.store.callback(self.callback[number]).state


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    folder = tmp_path_factory.mktemp("pbx")
    async with stage(folder, TEXTS, record_humans=True) as made:
        play = Play(Played(made))
        async with asyncio.TaskGroup() as calls:
            calls.create_task(play.whole())  # takes longest
            without_agents = [calls.create_task(c) for c in (play.hang_ups(), play.machines())]
            await play.nobody_free()
            async with agents(made) as desk:
                play.desk = desk
                await asyncio.gather(play.key_0(), play.spoken(), play.outbound(), play.unknown())
            await asyncio.gather(*without_agents)
            await play.refusals()
            await play.early_prompt()
        await play.exchange_restarts()
        yield play.played


class Play:
    """The calls."""

    def __init__(self, played: Played) -> None:
        self.played, self.stage = played, played.stage
        self.desk = self.stage.carrier  # the agents' telephones, once they are there

    async def call_in(self, number: str, script: dict[str, str], echo: float = 0.0) -> Policyholder:
        phone, callback = await self.stage.call_in(number, echo)
        self.played.phone[number], self.played.callback[number] = phone, callback
        return Policyholder(self.stage, phone, callback, script)

    async def whole(self) -> None:
        """Every item by key, to the end."""
        holder = await self.call_in(WHOLE, KEYS)
        await holder.play()
        await self.played.phone[WHOLE].wait("ended")

    async def key_0(self) -> None:
        """0 while a term is being read; then the two people talk."""
        holder = await self.call_in(ZERO, {**KEYS, "B1": "0 within"})
        await holder.play()
        agent = self.played.agent[ZERO] = await self._agent_of(self.stage.policy(ZERO).phone)
        await agent.wait("media")
        await self.played.phone[ZERO].play(self.stage.sounds["yes"])
        await agent.play(self.stage.sounds["time"])
        await agent.hangup()
        await self.played.phone[ZERO].wait("ended")

    async def spoken(self) -> None:
        """转人工, said instead of an answer."""
        holder = await self.call_in(WORD, {**KEYS, "I1": "say:yes", "B1": "say:human"})
        await holder.play()
        await self._agent_of(self.stage.policy(WORD).phone)
        await self.played.phone[WORD].hangup()

    async def _agent_of(self, caller: str) -> Phone:
        """The agent's call in which this number was answered."""
        return await self.desk.answered_call(caller, 40)

    async def hang_ups(self) -> None:
        scripts = {
            OPENING: {"O4": "hangup"},
            IDENTITY: {**KEYS, "I2": "hangup"},
            ITEMS: {**KEYS, "B2": "hangup"},
        }
        holders = [
            await self.call_in(number, script, echo=0.3 if number == ITEMS else 0.0)
            for number, script in scripts.items()
        ]
        await asyncio.gather(*(holder.play() for holder in holders))
        for number in scripts:
            await self.stage.until(lambda n=number: self.played.of(n, "audio"))

    async def outbound(self) -> None:
        """We dial; the carrier plays something, then a person answers and wants a human at once."""
        self.stage.carrier.rule(
            self.stage.policy(OUT).phone, 200, early=True, after_s=4.0,
            wav=str(self.stage.sounds["yes"]),
        )  # fmt: skip
        callback = self.played.callback[OUT] = await self.stage.dial(OUT)
        phone = self.played.phone[OUT] = await self.stage.carrier.next_incoming(
            20, self.stage.policy(OUT).phone
        )
        await Policyholder(self.stage, phone, callback, {"O4": "0"}).play()
        await self._agent_of(self.stage.policy(OUT).phone)
        await phone.hangup()

    async def machines(self) -> None:
        """We dial, and a machine answers."""
        for number, sound in ((MAIL, "voicemail"), (OFF, "off")):
            wav = str(self.stage.sounds[sound])
            self.stage.carrier.rule(self.stage.policy(number).phone, 200, wav=wav)
            self.played.callback[number] = await self.stage.dial(number)
        for number in (MAIL, OFF):
            await self.stage.until(lambda n=number: self.played.of(n, "closed"), 60)

    async def unknown(self) -> None:
        """A number that is on no policy."""
        phone = self.played.phone["unknown"] = self.stage.line().call("15400000000", NUMBER)
        await phone.wait("answered")
        self.played.agent["unknown"] = await self._agent_of("15400000000")
        await phone.hangup()

    async def nobody_free(self) -> None:
        """0, and no agent is logged in: the bot comes back, apologises and books a call."""
        holder = await self.call_in(NOBODY, {"O4": "0", "K_when": "say:time"})
        await holder.play()
        await self.stage.until(lambda: self.played.of(NOBODY, "returned"), 30)
        await holder.play()
        await self.played.phone[NOBODY].wait("ended")

    async def refusals(self) -> None:
        """What the carrier makes of calls that nobody answers."""
        for number, code in REFUSALS.items():
            self.stage.carrier.rule(self.stage.policy(number).phone, code)
        for number in REFUSALS:
            row = self.played.dialled[number] = await self.stage.dial(number)
            await self.stage.until(lambda c=row: self.stage.of(c, "dial_ended"), 40)

    async def early_prompt(self) -> None:
        """The carrier says it in the sound before it refuses; the cause would only be 19."""
        wav = str(self.stage.sounds["off"])
        self.stage.carrier.rule(
            self.stage.policy(MAIL).phone, 480, early=True, after_s=RING_S - 0.5, wav=wav
        )
        before = len(self.stage.of(self.played.callback[MAIL], "dial_ended"))
        row = self.played.dialled["early"] = await self.stage.dial(MAIL)
        await self.stage.until(lambda: len(self.stage.of(row, "dial_ended")) > before, 40)

    async def exchange_restarts(self) -> None:
        """A power cut at the exchange: the manager connection is back by itself."""
        before = len(self.stage.events)
        self.stage.exchange.kill()
        self.stage.exchange.start()
        pbx = self.stage.house.pbx
        assert pbx is not None
        await asyncio.sleep(1)
        assert await pbx.client.wait_up(20)
        self.stage.carrier.rule(self.stage.policy(OFF).phone, 486)
        row = await self.stage.dial(OFF)
        after = self.played.after_restart
        await self.stage.until(
            lambda: [e for e in self.stage.events[before:] if e.kind == "dial_ended"], 20
        )
        after += self.stage.events[before:]
        self.played.dialled["after restart"] = row


# -- what must be true afterwards


def test_a_whole_callback_by_key_through_the_exchange(played: Played) -> None:
    assert played.state(WHOLE) is State.COMPLETED_CLEAN
    answers = {e.body["item"]: e.body["answer"] for e in played.of(WHOLE, "answered")}
    assert set(answers.values()) == {"yes"}
    assert len(answers) == played.one(WHOLE, "closed").body["total"]
    assert played.phone[WHOLE].code == 200  # the bot hung up, and the dialplan obeyed


def test_both_hear_each_other_before_and_after_the_transfer(played: Played) -> None:
    assert [e.body["reason"] for e in played.of(ZERO, "handed_over")] == ["key"]
    (taken,) = played.of(ZERO, "taken")
    assert taken.body["agent"] in {"agent1", "agent2"}
    assert _loudest(played.agent[ZERO].sound) > -35, "the agent does not hear the caller"
    assert _loudest(played.phone[ZERO].sound) > -35, "the caller heard nobody"
    assert _loudest(played.phone[ZERO].sound, last_s=4) > -35, "the caller does not hear the agent"


def test_where_the_settings_say_so_the_exchange_records_what_follows(played: Played) -> None:
    monitor = played.stage.exchange.home / "spool" / "monitor"
    (recording,) = monitor.glob(f"{played.callback[ZERO]}.*.human.wav")
    assert _loudest(recording) > -35, "neither side is in it"
    talked = {file.name.partition(".")[0] for file in monitor.glob("*.wav")}
    assert talked <= {played.callback[number] for number in (ZERO, WORD, OUT)}


def test_the_agents_telephone_rings_with_the_number_and_the_conversation(played: Played) -> None:
    caller = played.agent[ZERO].caller
    assert "HUIFANG" in caller
    assert played.stage.policy(ZERO).phone in caller


def test_the_spoken_word_reaches_the_agent(played: Played) -> None:
    assert [e.body["reason"] for e in played.of(WORD, "handed_over")] == ["request"]
    assert played.of(WORD, "taken")
    said = [e.body for e in played.of(WORD, "heard") if e.body["via"] == "voice"]
    assert "转人工" in said[-1]["text"] or said[-1]["request"] == "human"


@pytest.mark.parametrize(("number", "answered"), [(OPENING, 0), (IDENTITY, 0), (ITEMS, 1)])
def test_a_hang_up_keeps_what_was_answered(played: Played, number: str, answered: int) -> None:
    closed = played.of(number, "closed")[0].body
    assert (closed["outcome"], closed["answered"]) == ("hangup", answered)
    assert played.state(number) is State.INCOMPLETE


def test_our_own_voice_from_the_telephone_is_nobodys_answer(played: Played) -> None:
    heard = [e.body for e in played.of(ITEMS, "heard") if e.body["via"] == "voice"]
    assert sum(body["echo_ms"] for body in heard) > 5000, "the telephone gave nothing back"
    # On a busy machine sound arrives torn, and a scrap of it may pass for a word: never for a yes.
    assert [body["text"] for body in heard if body.get("answer") == "yes"] == []
    assert {e.body["reason"] for e in played.of(ITEMS, "answered")} == {"按键"}


def test_a_dialled_person_is_called_once_and_transferred(played: Played) -> None:
    assert len(played.of(OUT, "dialled")) == 1
    assert [e.body["outcome"] for e in played.of(OUT, "dial_ended")] == ["answered"]
    assert [e.body["reason"] for e in played.of(OUT, "handed_over")] == ["key"]


def test_what_sounds_before_the_answer_is_neither_answered_nor_heard(played: Played) -> None:
    kinds = [e.kind for e in played.stage.events if e.callback == played.callback[OUT]]
    assert kinds.index("dial_ended") < kinds.index("called") < kinds.index("said")
    assert [e.body["via"] for e in played.of(OUT, "heard")] == ["key"]


def test_a_prompt_in_early_media_says_why_and_nothing_was_said_to_it(played: Played) -> None:
    mine = [e for e in played.stage.events if e.callback == played.dialled["early"]]
    dialled = max(n for n, event in enumerate(mine) if event.kind == "dialled")
    since = mine[dialled + 1 :]
    assert [e.kind for e in since] == ["dial_ended"]
    assert since[0].body["outcome"] == "switched_off"


@pytest.mark.parametrize(("number", "outcome"), [(MAIL, "voicemail"), (OFF, "switched_off")])
def test_a_machine_is_told_from_a_person_and_learns_nothing(
    played: Played, number: str, outcome: str
) -> None:
    assert [e.body["outcome"] for e in played.of(number, "closed")] == [outcome]
    assert not played.of(number, "answered")
    asked = {e.body["clause"] for e in played.of(number, "asked")}
    assert asked <= {"O4", "I1", "I2"}, "a fact of the policy was told to a machine"
    assert not played.of(number, "handed_over"), "a machine was put through to a human"


@pytest.mark.parametrize("number", REFUSALS)
def test_what_the_carrier_says_is_on_record(played: Played, number: str) -> None:
    (ended,) = played.stage.of(played.dialled[number], "dial_ended")
    assert ended.body["outcome"] == OUTCOMES[number]


def test_an_unknown_number_goes_to_a_human(played: Played) -> None:
    assert played.agent["unknown"].had("answered")


def test_nobody_free_the_bot_comes_back_and_books_a_humans_call(played: Played) -> None:
    reasons = [e.body["reason"] for e in played.of(NOBODY, "handed_over")]
    assert reasons == ["key", "booked"]
    assert played.of(NOBODY, "returned")
    assert {"H_later", "K_booked"} <= {e.body["clause"] for e in played.of(NOBODY, "said")}
    row = played.stage.house.store.callback(played.callback[NOBODY])
    assert (row.state, row.owner) == (State.HUMAN, "queue")
    (booking,) = played.stage.house.store.bookings(by="human")
    assert booking.callback == row.id


def test_after_a_restart_of_the_exchange_calls_are_placed_again(played: Played) -> None:
    row = played.dialled["after restart"]
    outcomes = [e.body["outcome"] for e in played.after_restart if e.kind == "dial_ended"]
    assert outcomes == ["busy"], row


def test_no_call_is_left_undecided_and_every_record_verifies(played: Played) -> None:
    house = played.stage.house
    for report in verify_store(house.store, house.settings.audio_folder):
        assert report.ok, str(report)
    for callback in {e.callback for e in played.stage.events}:
        assert undecided(house.store.events(callback)) == []


def test_the_bot_has_nothing_left_open(played: Played) -> None:
    assert played.stage.house.switchboard.calls == 0


def _loudest(file: Path, last_s: float | None = None) -> float:
    """Level of the loudest half second, dBFS."""
    with wave.open(str(file), "rb") as sound:
        rate = sound.getframerate()
        samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")
    if last_s is not None:
        samples = samples[-int(last_s * rate) :]
    pieces = np.array_split(samples / 32768.0, max(1, len(samples) * 2 // rate))
    return max(level_dbfs(piece.astype(np.float32)) for piece in pieces)
