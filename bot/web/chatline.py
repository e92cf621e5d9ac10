"""A chat as a `voice.line.Line`: clauses become messages in a page, presses and typing answers.

A message counts as said (`Played`, complete) only when the page reports that it stands there. What
the policyholder does before that was meant for something else and carries `over`: a second press
of 是 can never answer a question nobody has seen yet. A page that is away keeps its place: what is
said meanwhile waits, and the next page to connect gets the whole history.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, Protocol

from bot.questionnaires.foreign import Foreign
from bot.web import wire
from bot.web.clock import Alarm, ChatClock, LoopClock
from bot.web.limits import Bucket
from voice.frames import Hangup, Key, LineEvent, Played, Silence, Utterance, Via
from voice.line import USUAL, Speech
from voice.listening.closed_set import ClosedSet
from voice.listening.endpoint import Pauses

MAX_HISTORY = 1000  # messages kept for a page that reconnects; a whole callback has about 80
PATIENCE_FACTOR = 6.0  # reading and typing take longer than listening and speaking
GRACE_S = 900.0  # a page closed for this long has hung up
SHOWN_WITHIN_S = 20.0  # a page that confirms nothing for this long is taken for dead
RATE, BURST = 1.0, 10  # messages a second of one policyholder

BUTTON_TEXT: Final[Mapping[wire.Button, str]] = {
    "yes": "是", "no": "不是", "repeat": "再说一遍", "human": "转人工",
}  # fmt: skip
HUMAN: Final = BUTTON_TEXT["human"]
TOO_FAST: Final = "您发得太快了，请稍等几秒再发。"
_ANSWER_KEYS = frozenset("129*")

Who = Literal["bot", "caller", "agent", "note"]
Owner = Literal["bot", "queue", "human"]


class Peer(Protocol):
    """One connected page. Neither method blocks or raises."""

    def send(self, message: str) -> None: ...

    def close(self, reason: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message as the page shows it."""

    seq: int  # 1, 2, …; unique in this chat
    who: Who
    text: str = field(repr=False)
    at: datetime
    id: str = ""  # of the Speech
    mark: str = ""  # what the page that sent it calls it


@dataclass(frozen=True, slots=True)
class Standing:
    """What the page shows beside the messages."""

    owner: Owner = "bot"
    agent: str = ""  # the human's name as policyholders see it
    item: int = 0  # 1-based number of the open item, 0 before the first
    items: int = 0
    keys: bool = False  # 1 and 2 answer the open question; else digits are for writing
    elder: bool = False  # open the page in elder mode
    ended: bool = False


@dataclass(slots=True)
class _Unshown:
    id: str
    sent_ms: int | None


def foreign_page(foreign: Foreign) -> str:
    """The message that gives a page another language: before anything it is to show in that."""
    return wire.encode("language", language=foreign.language, words=foreign.page)


class ChatLine:
    """One policyholder's chat. Lives on one event loop; `next`, `drain` and `heard_out` wait."""

    kind: Literal["phone", "chat"] = "chat"

    def __init__(
        self,
        *,
        clock: ChatClock | None = None,
        elder: bool = False,
        foreign: Foreign | None = None,
        past: Sequence[tuple[Who, str, datetime]] = (),
        patience_factor: float = PATIENCE_FACTOR,
        grace_s: float = GRACE_S,
        on_presence: Callable[[], None] | None = None,
    ) -> None:
        """`foreign`: the policyholder's language, where the questions are in another one than
        Mandarin. `past`: what earlier parts of this conversation said, for a chat that is resumed.
        `on_presence` is called when a page comes or goes."""
        self._clock = clock or LoopClock()
        self._opened_ms = self._clock.mono_ms()
        self._patience_factor = patience_factor
        self._grace_s = grace_s
        self._on_presence = on_presence or (lambda: None)
        self._foreign = foreign
        self._standing = Standing(elder=elder)
        self._history: deque[Bubble] = deque(maxlen=MAX_HISTORY)
        self._seq = 0
        for who, text, at in past:
            self._add(who, text, at)
        self._unshown: dict[int, _Unshown] = {}
        self._events: asyncio.Queue[LineEvent] = asyncio.Queue()
        self._taken = False  # an event that is being acted on
        self._settled = asyncio.Event()
        self._settled.set()
        self._peer: Peer | None = None
        self._patience_s: float | None = None
        self._answers: ClosedSet | None = None
        self._silence_alarm = Alarm(self._clock)
        self._grace_alarm = Alarm(self._clock)
        self._shown_alarm = Alarm(self._clock)
        self._bucket = Bucket(RATE, BURST)
        self._human_bucket = Bucket(RATE, BURST)  # a wish for a human is never lost to chatter
        self._grace_alarm.set(self._grace_s, self._gone)

    # --- the conversation's side: voice.line.Line

    def say(self, speech: Sequence[Speech]) -> None:
        for one in speech:
            if self._standing.ended:
                return
            bubble = self._add("bot", one.text, self._clock.now(), one.id)
            sent_ms = self._ms() if self._peer else None
            self._unshown[bubble.seq] = _Unshown(one.id, sent_ms)
            self._settled.clear()
            self._push("message", message=bubble)
        self._rearm()

    def stop(self) -> None:
        """What a page already has cannot be unsaid: it stays there, but does not count as said."""
        never_sent = {seq for seq, one in self._unshown.items() if one.sent_ms is None}
        if never_sent:
            kept = [bubble for bubble in self._history if bubble.seq not in never_sent]
            self._history = deque(kept, maxlen=MAX_HISTORY)
        self._drop_unshown("stopped")
        self._rearm()

    def listen(
        self,
        patience_s: float,
        answers: ClosedSet | None = None,
        pauses: Pauses = USUAL,
        *,
        keys: bool = False,
    ) -> None:
        """`keys`: a typed 1 is the key 1; else it is written, and so is one that was pressed."""
        del pauses  # a typed message ends by itself
        self._stand(replace(self._standing, keys=keys))
        self._patience_s = patience_s * self._patience_factor
        self._answers = answers
        self._rearm()

    async def next(self) -> LineEvent:
        if self._taken:
            self._taken = False
            self._events.task_done()
        event = await self._events.get()
        self._taken = True
        return event

    async def drain(self) -> None:
        await self._settled.wait()

    async def close(self) -> None:
        self._end("closed")

    # --- the application's side: what a telephone has no place for

    async def heard_out(self) -> None:
        """Wait until every event was acted on: whoever took the last one asks for the next."""
        await self._events.join()

    @property
    def present(self) -> bool:
        """A page is connected."""
        return self._peer is not None

    def agent_says(self, text: str) -> None:
        """Show a human agent's message."""
        self._show("agent", text)

    def note(self, text: str) -> None:
        """Show a notice of the house, e.g. that a booked slot was changed."""
        self._show("note", text)

    def owned_by(self, owner: Owner, agent: str = "") -> None:
        """Show who speaks now: the bot, nobody yet (queue), or a human of this name."""
        self._stand(replace(self._standing, owner=owner, agent=agent))

    def progress(self, item: int, items: int) -> None:
        """Show "第 `item` 项，共 `items` 项"."""
        self._stand(replace(self._standing, item=item, items=items))

    def text_of(self, seq: int) -> str | None:
        """The words of message `seq`, if it is one that may be read aloud: the voice speaks
        Mandarin only."""
        if self._foreign is not None:
            return None
        for bubble in self._history:
            if bubble.seq == seq and bubble.who != "caller":
                return bubble.text
        return None

    # --- the page's side

    def attach(self, peer: Peer) -> None:
        """A page has connected. One that was connected before is told and let go."""
        self._let_go()
        self._peer = peer
        self._grace_alarm.cancel()
        if self._foreign is not None:
            peer.send(foreign_page(self._foreign))
        peer.send(wire.encode("history", messages=list(self._history), standing=self._standing))
        for one in self._unshown.values():
            one.sent_ms = self._ms()
        self._rearm()
        self._on_presence()

    def leave(self) -> None:
        """The link was opened in another browser: this conversation is over, as if its page had
        stayed away."""
        self._let_go()
        self._end("caller")

    def detach(self, peer: Peer) -> None:
        """A page is gone; whether the policyholder is, time will tell."""
        if peer is not self._peer:
            return
        self._peer = None
        if not self._standing.ended:
            self._grace_alarm.set(self._grace_s, self._gone)
        self._rearm()
        self._on_presence()

    def receive(self, peer: Peer, message: wire.ChatMessage) -> None:
        """A message of a page; ignored when another page has taken over or the chat is over."""
        if peer is not self._peer or self._standing.ended:
            return
        match message:
            case wire.Shown(seq=seq):
                self._shown(seq)
            case wire.Typing():
                self._rearm()
            case wire.Press(button=button):
                shown = self._foreign.buttons[button] if self._foreign else ""
                self._heard(BUTTON_TEXT[button], "button", shown, human=button == "human")
            case wire.PressKey(digit=digit):
                via: Via = "key" if self._is_key(digit) else "text"
                self._heard(digit, via, human=digit == "0")
            case wire.Text(text=text, mark=mark):
                text = wire.plain(text)
                if not text:
                    return
                if self._foreign is None or self._is_key(text):
                    self._heard(text, "key" if self._is_key(text) else "text", mark=mark)
                else:
                    meant = self._foreign.read(text, self._answers)
                    self._heard(meant, "text", text, mark, human=meant == HUMAN)
            case _:
                raise wire.BadMessage("not expected here")

    # --- inside

    def _let_go(self) -> None:
        if self._peer is not None:
            self._peer.send(wire.encode("moved"))
            self._peer.close("moved")
        self._peer = None

    def _heard(
        self, text: str, via: Via, original: str = "", mark: str = "", *, human: bool = False
    ) -> None:
        bucket = self._human_bucket if human else self._bucket
        if not bucket.allows(self._ms() / 1000):
            self._push("notice", text=TOO_FAST, mark=mark)
            return
        self._show("caller", original or text, mark)
        self._patience_s = None
        now = self._ms()
        over = next(iter(self._unshown.values())).id if self._unshown else None
        if via == "key":
            self._events.put_nowait(Key(text, now, over))
        else:
            said = Utterance(text, via, 1.0, now, now, over=over, original=original)
            self._events.put_nowait(said)
        self._rearm()

    def _is_key(self, text: str) -> bool:
        """0 reaches a human from everywhere; the others are keys only where they answer."""
        return text == "0" or (self._standing.keys and text in _ANSWER_KEYS)

    def _shown(self, seq: int) -> None:
        now = self._ms()
        for number in [n for n in self._unshown if n <= seq]:
            one = self._unshown.pop(number)
            start = now if one.sent_ms is None else one.sent_ms
            self._events.put_nowait(Played(one.id, True, start, now, "text"))
        self._rearm()

    def _drop_unshown(self, reason: str) -> None:
        now = self._ms()
        for one in self._unshown.values():
            start = now if one.sent_ms is None else one.sent_ms
            self._events.put_nowait(Played(one.id, False, start, now, "text", reason))
        self._unshown.clear()

    def _rearm(self) -> None:
        """Bring the alarms in line with the state."""
        if self._unshown:
            self._settled.clear()
        else:
            self._settled.set()
        if self._unshown and self._peer:
            self._shown_alarm.set(SHOWN_WITHIN_S, self._dead_page)
        else:
            self._shown_alarm.cancel()
        listening = self._patience_s is not None and not self._standing.ended
        if listening and self._peer and not self._unshown:
            self._silence_alarm.set(self._patience_s or 0.0, self._silent)
        else:
            self._silence_alarm.cancel()

    def _silent(self) -> None:
        waited, self._patience_s = self._patience_s or 0.0, None
        self._events.put_nowait(Silence(self._ms(), waited))

    def _dead_page(self) -> None:
        if self._peer is not None:
            peer = self._peer
            peer.close("no sign of life")
            self.detach(peer)

    def _gone(self) -> None:
        self._end("caller")

    def _end(self, reason: str) -> None:
        if self._standing.ended:
            return
        self._patience_s = None
        self._drop_unshown("stopped")
        self._stand(replace(self._standing, ended=True))
        self._grace_alarm.cancel()
        self._rearm()
        self._events.put_nowait(Hangup(self._ms(), reason))

    def _show(self, who: Who, text: str, mark: str = "") -> None:
        if not self._standing.ended:
            self._push("message", message=self._add(who, text, self._clock.now(), mark=mark))

    def _stand(self, standing: Standing) -> None:
        if standing != self._standing:
            self._standing = standing
            self._push("standing", standing=standing)

    def _add(self, who: Who, text: str, at: datetime, id: str = "", mark: str = "") -> Bubble:
        self._seq += 1
        bubble = Bubble(self._seq, who, text, at, id, mark)
        self._history.append(bubble)
        return bubble

    def _push(self, type: str, **body: object) -> None:
        if self._peer is not None:
            self._peer.send(wire.encode(type, **body))

    def _ms(self) -> int:
        return self._clock.mono_ms() - self._opened_ms
