"""What the web needs of the application: chats to attach to, and a queue that agents work on.

The application implements `Desk` (bot/humans/handoff.py); the web knows nothing of store or
dialogue.
Every text in these classes is shown to a person: Chinese, exact, never markup.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from bot.errors import HuifangError
from bot.questionnaires.foreign import Foreign
from bot.web.chatline import ChatLine

Channel = Literal["phone", "chat"]
Identity = Literal["unverified", "verified", "failed"]
Answer = Literal["yes", "no", "unclear"]


class LinkInvalid(HuifangError):
    """No callback belongs to this link, or the link has expired."""


class ChatOver(HuifangError):
    """The callback behind this link is finished."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of the agents' queue: enough to choose, nothing of the contract."""

    callback: str  # callback id
    channel: Channel  # how the policyholder talks with us, or last did
    who: str  # masked, e.g. 王女士
    reason: str  # why a human is wanted, in words
    since: datetime  # aware; when the human was asked for
    elder: bool  # age ≥ 60, served first
    severe: bool = False  # complaint, misselling, interference: shown as urgent
    owner: str = ""  # agent's name, empty while nobody has taken it
    ringing: tuple[str, ...] = ()  # agents whose telephone rings for this call


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the policy summary."""

    label: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """One item of the questionnaire that has its answer."""

    item: str  # clause id
    text: str  # the exact words asked
    answer: Answer
    as_expected: bool
    heard: str = field(default="", repr=False)  # the policyholder's own words


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the transcript."""

    who: Literal["bot", "caller", "agent", "note"]
    text: str = field(repr=False)
    at: datetime  # aware
    clause: str = ""  # clause id for what the bot said


@dataclass(frozen=True, slots=True)
class Case:
    """Everything an agent needs to go on at the first open item, without asking anything again."""

    summary: Waiting
    identity: Identity
    policy: tuple[Fact, ...]
    answered: tuple[Answered, ...]
    open_items: tuple[Fact, ...]  # clause id and text, in order; the first is where to go on
    transcript: tuple[Entry, ...]
    present: bool  # the chat page is connected, or the exchange has told of the call
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """Something an agent's screen may show has changed: the queue, or this callback's case."""

    callback: str | None = None  # None: the queue


class Desk(Protocol):
    """All methods raise `HuifangError` with a message that may be shown to the user."""

    async def open_chat(self, token: str, browser: str = "") -> ChatLine:
        """The line behind a chat link. The first call starts (or resumes) the conversation, which
        runs as a task of the application; later calls of the same `browser` return the same line,
        and one of another begins anew. `token` and `browser` are whatever was sent: at most 200
        characters, otherwise unchecked.

        Raises LinkInvalid, ChatOver.
        """

    async def language_of(self, token: str) -> Foreign | None:
        """That of the page behind a chat link, where it is not Mandarin: for who is not let in.
        None too where nobody can tell. Raises nothing."""

    async def waiting(self) -> Sequence[Waiting]:
        """Who waits for a human: those who are there at this moment first, then the most urgent."""

    async def held_by(self, agent: str) -> Sequence[Waiting]:
        """What this agent has taken and neither given back nor ended."""

    async def take(self, callback: str, agent: str) -> Case:
        """Make the agent its owner. Committed on return. Raises OwnershipLost if it is taken."""

    async def case(self, callback: str, agent: str) -> Case:
        """The present context of a case the agent owns, or whose call rings the agent's telephone.
        Raises OwnershipLost otherwise."""

    async def look(self, callback: str, agent: str) -> Case:
        """The same, opened by the agent: on record as `viewed`."""

    async def agent_say(self, callback: str, agent: str, text: str) -> None:
        """Commit and show the agent's message (chat only). Raises OwnershipLost."""

    async def give_back(self, callback: str, agent: str) -> None:
        """The bot goes on at the first open item (chat only). Raises OwnershipLost."""

    async def end(self, callback: str, agent: str) -> None:
        """Finish the conversation. Raises OwnershipLost."""

    def watch(self) -> AsyncGenerator[Changed, None]:
        """Changes from now on. The first, `Changed(None)`, comes at once, when the subscription
        stands: what is read after it misses nothing. `bot.web.bell.Bell` does this."""

    async def speak(self, text: str, rate: float) -> bytes:
        """Read-aloud: `text` as a WAV file; `rate` 1.0 is the voice's own pace."""
