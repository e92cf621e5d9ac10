"""ChatLine on a clock that tests drive: what counts as said, patience, pages that come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from bot.web import wire
from bot.web.chatline import BURST, MAX_HISTORY, SHOWN_WITHIN_S, ChatLine
from tests.web.fake_clock import START, FakeClock, FakePage
from voice.frames import Hangup, Key, LineEvent, Played, Silence, Utterance
from voice.line import Speech
from voice.listening.closed_set import ClosedSet

YES_NO = ClosedSet(yes=("是",), no=("不是",))


class Chat:
    """A line, its clock and one connected page."""

    def __init__(self, **options: object) -> None:
        self.clock = FakeClock()
        self.line = ChatLine(clock=self.clock, **options)  # type: ignore[arg-type]
        self.page = FakePage()
        self.line.attach(self.page)

    def ask(self, id: str = "B9", text: str = "您清楚吗？", patience_s: float = 5.0) -> None:
        self.line.say([Speech(id, text)])
        self.line.listen(patience_s, YES_NO, keys=True)

    def does(self, message: wire.ChatMessage) -> None:
        self.line.receive(self.page, message)

    def shows_all(self) -> None:
        self.does(wire.Shown(1000))

    async def events(self) -> list[LineEvent]:
        """Everything that is there by now; never waits."""
        found = []
        while True:
            waiting = asyncio.ensure_future(self.line.next())
            await asyncio.sleep(0)
            if not waiting.done():
                waiting.cancel()
                return found
            found.append(waiting.result())


@pytest.fixture
def chat() -> Chat:
    return Chat()


async def test_a_clause_counts_as_said_once_the_page_shows_it(chat: Chat) -> None:
    chat.ask()
    assert chat.page.words == ["您清楚吗？"]
    chat.clock.advance(1.0)
    assert await chat.events() == []
    chat.shows_all()
    assert await chat.events() == [Played("B9", True, 0, 1000, "text")]


async def test_a_press_before_the_question_is_shown_carries_over(chat: Chat) -> None:
    chat.ask()
    chat.does(wire.Press("yes"))
    assert await chat.events() == [Utterance("是", "button", 1.0, 0, 0, over="B9")]
    chat.shows_all()
    chat.does(wire.Press("no"))
    assert (await chat.events())[-1] == Utterance("不是", "button", 1.0, 0, 0)


@pytest.mark.parametrize(
    ("button", "text"), [("yes", "是"), ("no", "不是"), ("repeat", "再说一遍"), ("human", "转人工")]
)
async def test_buttons_are_utterances(chat: Chat, button: wire.Button, text: str) -> None:
    chat.does(wire.Press(button))
    assert await chat.events() == [Utterance(text, "button", 1.0, 0, 0)]
    assert chat.page.words == [text]


async def test_typed_text_is_made_plain(chat: Chat) -> None:
    chat.does(wire.Text(" 清楚\u202e\n<b>了</b>\x00 "))
    (said,) = await chat.events()
    assert isinstance(said, Utterance)
    assert (said.text, said.via) == ("清楚  <b>了</b>", "text")


async def test_text_without_a_printable_character_is_nothing(chat: Chat) -> None:
    chat.does(wire.Text("\u200b\x07\n"))
    assert await chat.events() == []


@pytest.mark.parametrize("says", [wire.Text, wire.PressKey])
async def test_a_digit_is_a_key_only_where_keys_answer(
    chat: Chat, says: Callable[[str], wire.ChatMessage]
) -> None:
    chat.line.listen(5.0, None)
    chat.does(says("1"))
    chat.line.listen(5.0, YES_NO, keys=True)
    chat.does(says("1"))
    chat.line.listen(5.0, YES_NO)  # a number of years
    chat.does(says("1"))
    chat.does(says("0"))
    one = Utterance("1", "text", 1.0, 0, 0)
    assert await chat.events() == [one, Key("1", 0), one, Key("0", 0)]
    told = [standing["standing"]["keys"] for standing in chat.page.of("standing")]
    assert told == [True, False]


async def test_silence_comes_once_after_six_times_the_patience_of_a_call(chat: Chat) -> None:
    chat.ask(patience_s=5.0)
    chat.shows_all()
    chat.clock.advance(29.9)
    assert len(await chat.events()) == 1  # Played
    chat.clock.advance(100.0)
    assert await chat.events() == [Silence(30_000, 30.0)]


async def test_patience_begins_when_the_question_shows_and_anew_when_typing(
    chat: Chat,
) -> None:
    chat.ask(patience_s=5.0)
    chat.clock.advance(15.0)
    chat.shows_all()
    chat.clock.advance(29.0)
    chat.does(wire.Typing())
    chat.clock.advance(29.0)
    assert await chat.events() == [Played("B9", True, 0, 15_000, "text")]
    chat.clock.advance(1.0)
    assert await chat.events() == [Silence(74_000, 30.0)]


async def test_an_answer_ends_the_listening(chat: Chat) -> None:
    chat.ask()
    chat.shows_all()
    chat.does(wire.Press("yes"))
    chat.clock.advance(1000.0)
    assert not [event for event in await chat.events() if isinstance(event, Silence)]


async def test_nobody_is_prompted_while_the_page_is_away(chat: Chat) -> None:
    chat.ask(patience_s=5.0)
    chat.shows_all()
    chat.line.detach(chat.page)
    chat.clock.advance(300.0)
    chat.line.attach(FakePage())
    chat.clock.advance(29.0)
    assert not [event for event in await chat.events() if isinstance(event, Silence)]
    chat.clock.advance(1.0)
    assert isinstance((await chat.events())[-1], Silence)


async def test_what_is_said_while_the_page_is_away_waits_for_it(chat: Chat) -> None:
    chat.line.detach(chat.page)
    chat.ask()
    chat.clock.advance(60.0)
    assert await chat.events() == []
    back = FakePage()
    chat.line.attach(back)
    assert back.words == ["您清楚吗？"]
    chat.line.receive(back, wire.Shown(1))
    assert await chat.events() == [Played("B9", True, 60_000, 60_000, "text")]


async def test_a_returning_page_gets_the_history_and_the_dialogue_hears_nothing(chat: Chat) -> None:
    chat.ask()
    chat.shows_all()
    chat.does(wire.Press("yes"))
    await chat.events()
    chat.line.detach(chat.page)
    back = FakePage()
    chat.line.attach(back)
    chat.line.receive(back, wire.Shown(1000))
    assert back.words == ["您清楚吗？", "是"]
    assert await chat.events() == []


async def test_a_closed_page_hangs_up_after_the_grace() -> None:
    chat = Chat(grace_s=60.0)
    chat.line.detach(chat.page)
    chat.clock.advance(59.0)
    chat.line.attach(chat.page)
    chat.line.detach(chat.page)
    chat.clock.advance(59.0)
    assert await chat.events() == []
    chat.clock.advance(1.0)
    assert await chat.events() == [Hangup(119_000, "caller")]


async def test_a_link_nobody_opens_hangs_up_too() -> None:
    clock = FakeClock()
    line = ChatLine(clock=clock, grace_s=60.0)
    clock.advance(60.0)
    assert await line.next() == Hangup(60_000, "caller")


async def test_a_page_that_shows_nothing_is_taken_for_dead(chat: Chat) -> None:
    chat.ask()
    chat.clock.advance(SHOWN_WITHIN_S)
    assert chat.page.closed
    assert not chat.line.present
    assert await chat.events() == []  # the question waits for a page that lives


async def test_a_second_page_takes_over_politely(chat: Chat) -> None:
    second = FakePage()
    chat.line.attach(second)
    assert chat.page.of("moved")
    assert chat.page.closed == "moved"
    chat.does(wire.Press("yes"))
    chat.line.detach(chat.page)  # the old socket's end must not disturb the new one
    assert await chat.events() == []
    assert chat.line.present


async def test_stop_unsays_what_no_page_has_and_counts_nothing_as_said(chat: Chat) -> None:
    chat.line.say([Speech("B1", "一")])
    chat.line.detach(chat.page)
    chat.line.say([Speech("B2", "二")])
    chat.line.stop()
    back = FakePage()
    chat.line.attach(back)
    assert back.words == ["一"]
    assert [(e.id, e.complete) for e in await chat.events() if isinstance(e, Played)] == [
        ("B1", False),
        ("B2", False),
    ]


async def test_drain_waits_until_all_is_shown(chat: Chat) -> None:
    await chat.line.drain()
    chat.ask()
    drained = asyncio.create_task(chat.line.drain())
    await asyncio.sleep(0)
    assert not drained.done()
    chat.shows_all()
    await drained


async def test_drain_ends_with_the_line() -> None:
    chat = Chat(grace_s=60.0)
    chat.ask()
    chat.line.detach(chat.page)
    drained = asyncio.create_task(chat.line.drain())
    chat.clock.advance(60.0)
    await drained


async def test_nothing_follows_a_hang_up(chat: Chat) -> None:
    await chat.line.close()
    await chat.line.close()
    chat.ask()
    chat.line.agent_says("您好")
    chat.does(wire.Press("yes"))
    chat.clock.advance(10_000)
    assert await chat.events() == [Hangup(0, "closed")]
    assert chat.page.of("standing")[-1]["standing"]["ended"]
    assert chat.page.words == []


async def test_a_flood_is_damped_but_a_wish_for_a_human_gets_through(chat: Chat) -> None:
    for _ in range(100):
        chat.does(wire.Press("yes"))
    chat.does(wire.Press("human"))
    heard = [event.text for event in await chat.events() if isinstance(event, Utterance)]
    assert heard == ["是"] * BURST + ["转人工"]
    assert len(chat.page.of("notice")) == 100 - BURST


async def test_the_history_is_bounded(chat: Chat) -> None:
    for number in range(MAX_HISTORY + 50):
        chat.line.agent_says(str(number))
    late = FakePage()
    chat.line.attach(late)
    assert len(late.words) == MAX_HISTORY
    assert late.words[-1] == str(MAX_HISTORY + 49)


async def test_earlier_parts_of_a_resumed_chat_are_shown() -> None:
    chat = Chat(past=[("bot", "您清楚吗？", START), ("caller", "是", START)], elder=True)
    assert chat.page.words == ["您清楚吗？", "是"]
    assert chat.page.of("history")[0]["standing"]["elder"]
    assert await chat.events() == []


async def test_owner_and_progress_reach_the_page(chat: Chat) -> None:
    chat.line.progress(3, 15)
    chat.line.owned_by("human", "李娜")
    chat.line.agent_says("您好")
    standing = chat.page.of("standing")[-1]["standing"]
    assert (standing["owner"], standing["agent"]) == ("human", "李娜")
    assert (standing["item"], standing["items"]) == (3, 15)
    assert chat.page.of("message")[-1]["message"]["who"] == "agent"


async def test_only_our_own_words_may_be_read_aloud(chat: Chat) -> None:
    chat.ask()
    chat.shows_all()
    chat.does(wire.Text("我自己写的"))
    assert chat.line.text_of(1) == "您清楚吗？"
    assert chat.line.text_of(2) is None
    assert chat.line.text_of(99) is None


async def test_presence_is_told() -> None:
    told: list[bool] = []
    clock = FakeClock()
    line = ChatLine(clock=clock, on_presence=lambda: told.append(line.present))
    page = FakePage()
    line.attach(page)
    line.detach(page)
    assert told == [True, False]
