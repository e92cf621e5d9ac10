"""A yes and its comprehension question: broken off, resumed, given back, and on the record."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.callbacks import Conversations
from bot.conversation.ending import Result
from bot.dialogue.protocol import Moved, Record, Start, Turn
from bot.evidence import verify_record
from bot.evidence.completeness import missing
from bot.evidence.export import export
from bot.evidence.ledger import Event, canonical
from bot.evidence.verify_export import verify_folder
from bot.settings import Settings
from tests.conftest import POLICY
from tests.flow.scripted_line import ScriptedLine

pytestmark = [pytest.mark.rasa, pytest.mark.asyncio(loop_scope="session")]

TO_B8 = (
    *("方便", "是我", "19790425", "是的", "是的", "收到了", "对", "看过了", "理解"),
    *("清楚", "清楚", "清楚"),
)


class Call:
    """One call, in which each word waits for the bot's next question."""

    def __init__(self, conversations: Conversations, line: ScriptedLine | None = None) -> None:
        self.store = conversations.callbacks.store
        self.callback = conversations.callbacks.open(POLICY, "phone")
        self.line = line or ScriptedLine()
        self.task: asyncio.Task[Result] = asyncio.create_task(
            conversations.start(self.callback, self.line).run()
        )

    async def says(self, *texts: str) -> None:
        for text in texts:
            await self.line.idle()
            (self.line.caller_keys if text.isdecimal() else self.line.caller_says)(text)
        idle = asyncio.create_task(self.line.idle())
        await asyncio.wait({idle, self.task}, return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()

    async def ends(self) -> Result:
        self.line.caller_hangs_up()
        return await self.task

    def events(self, kind: str = "") -> list[Event]:
        return [e for e in self.store.events(self.callback) if not kind or e.kind == kind]

    @property
    def asked(self) -> str:
        return str(self.events("asked")[-1].body["clause"])


async def test_a_hang_up_while_the_question_is_open_loses_the_yes_and_nothing_else(
    conversations: Conversations,
) -> None:
    call = Call(conversations)
    await call.says(*TO_B8, "清楚")
    assert call.asked == "B8q"
    assert (await call.ends()).ending == "hung_up"
    assert "B8" not in conversations.callbacks.answered(call.callback)

    again = Call(conversations)
    assert again.callback == call.callback
    await again.says("是我", "19790425")
    assert again.asked == "B8", "the term is asked anew, and then its question"
    await again.says("清楚", "十五年")
    assert conversations.callbacks.answered(again.callback)["B8"]
    await again.ends()


async def test_given_back_by_a_human_the_term_is_asked_anew(conversations: Conversations) -> None:
    call = Call(conversations)
    await call.says(*TO_B8, "清楚", "我要转人工")
    result = await call.task
    store, row = call.store, call.store.callback(call.callback)
    now = conversations.callbacks.clock.now()
    store.transfer(
        call.callback, row.generation, "bot", [], wall=now, mono_ms=1, state="IN_PROGRESS"
    )
    line = ScriptedLine()
    conversation = conversations.start(call.callback, line, state=result.state)
    task = asyncio.create_task(conversation.run())
    await line.idle()
    assert call.asked == "B8"
    for text in ("清楚", "十五年"):
        line.caller_says(text)
        await line.idle()
    assert conversations.callbacks.answered(call.callback)["B8"]
    line.caller_hangs_up()
    await task


class Hasty:
    """A dialogue that records the yes as soon as it is held."""

    def __init__(self, real: Conversations) -> None:
        self._real = real._dialogue

    async def begin(self, start: Start) -> Moved:
        return await self._real.begin(start)

    async def turn(self, turn: Turn) -> Moved:
        moved = await self._real.turn(turn)
        if any(act.kind == "hold" for act in moved.acts):
            return replace(moved, acts=(Record("B8", "yes", "hasty"),))
        return moved


async def test_a_yes_without_its_question_cannot_be_recorded(conversations: Conversations) -> None:
    call = Call(Conversations(conversations.callbacks, Hasty(conversations)))
    await call.says(*TO_B8, "清楚")
    result = await call.task
    assert (result.ending, result.reason) == ("handed_over", "failure")
    assert "B8" not in conversations.callbacks.answered(call.callback)


async def test_the_record_shows_the_yes_the_question_and_what_it_came_to(
    conversations: Conversations, settings: Settings, tmp_path: Path
) -> None:
    call = Call(conversations)
    await call.says(*TO_B8, "清楚", "交十年", "十五年", "清楚", "三天", "十天")
    await call.ends()

    answers = {e.body["item"]: e.body for e in call.events("answered")}
    wrong, right, *_ = call.events("checked")
    assert (wrong.body["stated"], wrong.body["result"]) == ("10年", "wrong")
    assert (right.body["expected"], right.body["result"]) == ("15年", "right")
    by_seq = {e.seq: e for e in call.events()}
    for check in (wrong, right):
        assert by_seq[check.body["asked_seq"]].body["clause"] == "B8q"
    assert by_seq[right.body["heard_seq"]].body["text"] == "十五年"
    assert answers["B8"]["checked_seq"] == right.seq
    assert by_seq[answers["B8"]["heard_seq"]].body["text"] == "清楚"
    assert by_seq[answers["B8"]["asked_seq"]].body["clause"] == "B8"
    assert (answers["B9"]["answer"], answers["B9"]["code"]) == ("unclear", "P08_COOLING_OFF")
    explained = call.events("explained")[0].body
    assert "§15(七)" in explained["source"]

    folder = tmp_path / "record"
    settings.audio_folder.mkdir()
    export(call.store, settings.audio_folder, call.callback, folder)
    assert verify_folder(folder).integrity
    items = {i["item"]: i for i in json.loads((folder / "record.json").read_text())["items"]}
    assert [c["result"]["result"] for c in items["B8"]["checks"]] == ["wrong", "right"]
    assert "checks" not in items["B1"]
    page = (folder / "index.html").read_text()
    for words in ("听到“10年”，合同是“15年”", "✓ 与合同一致", "✗ 与合同不一致", "十五年"):
        assert words in page


async def test_a_yes_whose_check_is_missing_or_wrong_is_reported(
    conversations: Conversations,
) -> None:
    call = Call(conversations)
    await call.says(*TO_B8, "清楚", "十五年")
    await call.ends()
    whole = call.events()
    complaint = "without the right answer"
    assert not any(complaint in what for what in missing(whole))

    def altered(kind: str, **body: object) -> tuple[str, str]:
        """What each of the two verifiers misses once a field of the last such event is changed."""
        last = max(e.seq for e in whole if e.kind == kind)
        changed = [
            replace(e, text=canonical({**e.body, **body})) if e.seq == last else e for e in whole
        ]
        apart = [verify_record.Event(e.seq, e.kind, e.hash, e.body) for e in changed]
        return "\n".join(missing(changed)), "\n".join(verify_record._missing(apart))

    for found in (*altered("checked", result="wrong"), *altered("answered", checked_seq=None)):
        assert complaint in found
    for field, ours in (("asked_seq", "question that is not"), ("heard_seq", "words that are not")):
        inside, apart = altered("checked", **{field: 0})
        assert ours in inside
        assert "rests on event 0" in apart
