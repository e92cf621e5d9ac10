"""The small parts: wire format, limits, sessions, the bell."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.protocol import MAX_TEXT
from bot.web import wire
from bot.web.auth import FAILURES, SESSION_S, WINDOW_S, Doorkeeper, LoginRefused
from bot.web.bell import Bell
from bot.web.desk import Changed
from bot.web.limits import Bucket, Throttle
from bot.web.security import same_site

SECRET = "correct horse battery"

GOOD = [
    ('{"type":"hello","token":"t"}', wire.Hello("t")),
    ('{"type":"text","text":"清楚"}', wire.Text("清楚")),
    ('{"type":"press","button":"human"}', wire.Press("human")),
    ('{"type":"key","digit":"*"}', wire.PressKey("*")),
    ('{"type":"shown","seq":3}', wire.Shown(3)),
    ('{"type":"typing"}', wire.Typing()),
    ('{"type":"speak","seq":3}', wire.Speak(3)),
    ('{"type":"speak","seq":3,"slow":true}', wire.Speak(3, slow=True)),
]
BAD = [
    "", "x", "[]", "null", "1", '"hello"', "{}", "[" * 4000,
    '{"type":"nonsense"}', '{"type":["text"]}', '{"type":"text"}', '{"type":"text","text":""}',
    '{"type":"text","text":7}', '{"type":"text","text":"a","more":1}',
    '{"type":"press","button":"YES"}', '{"type":"press","button":["yes"]}',
    '{"type":"key","digit":"12"}', '{"type":"shown","seq":-1}', '{"type":"shown","seq":true}',
    '{"type":"shown","seq":1.5}', '{"type":"shown","seq":99999999999}',
    '{"type":"speak","seq":1,"slow":"yes"}', '{"type":"take","callback":"c"}',
]  # fmt: skip


@pytest.mark.parametrize(("raw", "message"), GOOD)
def test_good_messages(raw: str, message: wire.ChatMessage) -> None:
    assert wire.parse_chat(raw) == message


@pytest.mark.parametrize("raw", BAD)
def test_bad_messages_fail_closed(raw: str) -> None:
    with pytest.raises(wire.BadMessage):
        wire.parse_chat(raw)


def test_a_text_may_be_just_so_long() -> None:
    fits = json.dumps({"type": "text", "text": "是" * MAX_TEXT}, ensure_ascii=False)
    assert len(fits.encode()) <= wire.MAX_MESSAGE
    wire.parse_chat(fits)
    with pytest.raises(wire.BadMessage):
        wire.parse_chat(json.dumps({"type": "text", "text": "是" * (MAX_TEXT + 1)}))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["type", "text", "seq", "button", "slow", "token"]), _JSON)
    | st.text()
)
def test_no_message_breaks_the_parser(message: object) -> None:
    raw = message if isinstance(message, str) else json.dumps(message)
    with suppress(wire.BadMessage):
        wire.parse_chat(raw)


def test_a_bucket_refills() -> None:
    bucket = Bucket(rate=2.0, burst=3)
    assert [bucket.allows(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.allows(0.5) for _ in range(2)] == [True, False]
    assert [bucket.allows(100.0) for _ in range(4)] == [True, True, True, False]


def test_a_throttle_forgets_after_its_window_and_never_grows() -> None:
    throttle = Throttle(limit=2, window_s=60.0, sources=3)
    throttle.failed("a", 0.0)
    throttle.failed("a", 10.0)
    assert throttle.wait_s("a", 20.0) == 40.0
    assert throttle.wait_s("b", 20.0) == 0.0
    assert throttle.wait_s("a", 60.0) == 0.0
    for source in "bcd":
        throttle.failed(source, 20.0)
    assert throttle.wait_s("a", 20.0) == 0.0  # forgotten, the oldest


def test_a_session_lasts_one_shift() -> None:
    door = Doorkeeper(SECRET)
    session = door.login(" 李娜 ", SECRET, 0.0)
    assert door.agent(session, SESSION_S - 1) == "李娜"
    assert door.agent(session, SESSION_S) is None
    assert door.agent("made up", 0.0) is None
    assert door.agent(None, 0.0) is None
    door.logout(session)
    assert door.agent(session, 1.0) is None


@pytest.mark.parametrize("name", ["", "李" * 21, "<b>", "a b", "a\nb"])
def test_an_agent_needs_a_proper_name(name: str) -> None:
    with pytest.raises(LoginRefused):
        Doorkeeper(SECRET).login(name, SECRET, 0.0)


@pytest.mark.parametrize(
    "secret", ["", "wrong", SECRET + "x", SECRET.upper(), "x" * 100_000, "\ud800"]
)
def test_only_the_secret_opens(secret: str) -> None:
    with pytest.raises(LoginRefused):
        Doorkeeper(SECRET).login("李娜", secret, 0.0)


def test_too_many_tries_have_to_wait_even_with_the_right_secret() -> None:
    door = Doorkeeper(SECRET)
    for _ in range(FAILURES):
        with pytest.raises(LoginRefused):
            door.login("李娜", "wrong one", 0.0)
    with pytest.raises(LoginRefused) as refused:
        door.login("李娜", SECRET, 1.0)
    assert refused.value.throttled
    assert door.login("王强", SECRET, 1.0)  # another agent is not locked out
    assert door.login("李娜", SECRET, WINDOW_S)


def test_guessing_under_many_names_has_to_wait_too() -> None:
    door = Doorkeeper(SECRET)
    with pytest.raises(LoginRefused) as refused:
        for number in range(100):
            try:
                door.login(f"a{number}", "wrong one", 0.0)
            except LoginRefused as error:
                if error.throttled:
                    raise
    assert refused.value.throttled


def test_a_short_secret_is_no_secret() -> None:
    with pytest.raises(ValueError, match="8 to 200"):
        Doorkeeper("1234567")


OURS = frozenset({"https://huifang.example.com"})


@pytest.mark.parametrize(
    ("host", "origin", "origins", "good"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080", None, True),
        ("localhost:8080", "http://localhost:8080", None, True),
        ("[::1]:8080", "http://[::1]:8080", None, True),
        ("127.0.0.1:8080", None, None, True),
        ("127.0.0.1:8080", "", None, False),
        ("127.0.0.1:8080", "null", None, False),
        ("127.0.0.1:8080", "http://127.0.0.1:9999", None, False),
        ("127.0.0.1:8080", "http://evil.example", None, False),
        ("evil.example:8080", "http://evil.example:8080", None, False),  # DNS rebinding
        ("[broken", None, None, False),
        ("huifang.example.com", "https://huifang.example.com", OURS, True),
        ("huifang.example.com", "http://huifang.example.com", OURS, False),
        ("127.0.0.1:8080", None, OURS, False),
    ],
)
def test_same_site(
    host: str, origin: str | None, origins: frozenset[str] | None, good: bool
) -> None:
    assert same_site(host, origin, origins) is good


async def test_a_bell_tells_a_slow_watcher_each_change_once() -> None:
    bell = Bell()
    changes = bell.watch()
    assert await anext(changes) == Changed(None)
    for _ in range(1000):
        bell.ring("a")
        bell.ring("b")
    assert [await anext(changes) for _ in range(2)] == [Changed("a"), Changed("b")]
    waiting = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    assert not waiting.done()
    bell.ring()
    assert await waiting == Changed(None)
    await changes.aclose()
    bell.ring("a")  # nobody listens; nothing piles up
