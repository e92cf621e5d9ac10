"""Callbacks: opened for a policy, found again, counted; and the conversations that serve them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Literal

from bot import __version__
from bot.conversation import foreseen
from bot.conversation.acting import Manner
from bot.conversation.beginning import crowded, guessing, shared
from bot.conversation.conversation import Conversation
from bot.conversation.ending import Progress
from bot.conversation.scribe import Clock, Scribe, SystemClock
from bot.dialogue import protocol
from bot.dialogue.port import Dialogue
from bot.errors import ServedElsewhere, StoreUnavailable
from bot.evidence.ledger import Draft, Event
from bot.evidence.states import COMPLETED, State
from bot.local import local
from bot.policies.policy import Policy
from bot.questionnaires import questionnaire, translation
from bot.questionnaires.foreign import Foreign
from bot.questionnaires.questionnaire import Script
from bot.questionnaires.translation import Translation
from bot.settings import Settings
from bot.store import Callback, Store
from voice.line import Line

Way = Literal["phone", "chat"]

RESUMABLE = {State.CREATED, State.READY, State.INCOMPLETE, State.IN_PROGRESS}

RING_MARGIN_S = 15


class Callbacks:
    """One per process. `on_event` is told of every committed event, in order."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock | None = None,
        on_event: Callable[[Event], None] | None = None,
        bot: str = "",
    ) -> None:
        """`bot`: who serves callbacks here, where several share the store (bot/membership.py)."""
        self.settings, self.store, self.bot = settings, store, bot
        self.clock = clock or SystemClock()
        self.on_event = on_event or (lambda _: None)  # read at each event: it may be replaced
        self._questionnaire = questionnaire.load(settings.questionnaire)
        self._translations = translation.signed_off(settings.translations)
        self._served: set[str] = set()  # callbacks that somebody here has a pen to talk with
        self._ringing: dict[str, int] = {}  # callbacks whose call rings, and until when at most
        self._serving = Lock()

    def script(self, policy: Policy, way: Way = "phone") -> Script:
        """The exact words for one policy. Raises MissingField."""
        other = self._translation(policy) if way == "chat" else None
        return (other.questions if other else self._questionnaire).render(
            policy,
            company=self.settings.company,
            hotline=self.settings.hotline,
            today=local(self.clock.now()).date(),
            elder_age=self.settings.elder_age,
            way=way,
            open_hours=self.settings.call_hours,
        )

    def foreign(self, policy: Policy) -> Foreign | None:
        """The language of the policyholder's page, where it is not Mandarin."""
        found = self._translation(policy)
        return found.foreign if found else None

    def _translation(self, policy: Policy) -> Translation | None:
        """The one that this policyholder is asked in: signed off, and the policy fits it."""
        found = self._translations.get(policy.language)
        return found if found and found.fits(policy) else None

    def elder(self, policy: Policy) -> bool:
        today = local(self.clock.now()).date()
        return policy.holder_age(today) >= self.settings.elder_age

    def open(self, policy_number: str, channel: Way) -> str:
        """The policy's newest callback where it is unfinished, or a new one, also where an import
        has corrected what it would say. Returns the callback's id."""
        policy = self.store.policy(policy_number)
        row = self._newest(policy_number)
        if row and row.owner == "bot" and row.state in RESUMABLE and self._stands(row, policy):
            if row.head_seq < 0:  # the process died before it could write the first event
                self._created(row.id, self.script(policy, channel), channel)
            return row.id
        script = self.script(policy, channel)
        callback = self.store.create_callback(policy_number, script.version, channel)
        self._created(callback, script, channel)
        return callback

    def _newest(self, policy_number: str) -> Callback | None:
        return next(iter(self.store.callbacks(policy=policy_number, limit=1)), None)

    def outdated(self, row: Callback) -> bool:
        """Whether this callback waits to be gone on with, and would say what an import has
        corrected since, or another one has followed: how a policy stands is told by its newest,
        also once a correction was taken back."""
        if row.state is State.IN_PROGRESS or row.state not in RESUMABLE:
            return False
        newest = self._newest(row.policy_number)
        followed = newest is not None and newest.id != row.id
        return followed or not self._stands(row, self.store.policy(row.policy_number))

    def _stands(self, row: Callback, policy: Policy) -> bool:
        """Whether it says what the policy says now, or is being said."""
        return row.state is State.IN_PROGRESS or self.store.policy_of(row.id).speaks_as(policy)

    def _created(self, callback: str, script: Script, channel: Way) -> None:
        row = self.store.callback(callback)
        created = {
            "policy": row.policy_number,
            "policy_sha256": row.policy_sha256,
            "questionnaire": script.version,
            "questionnaire_sha256": script.sha256,
            "software": __version__,
            "channel": channel,
        }
        self.store.append(
            callback,
            [Draft("created", created)],
            wall=self.clock.now(),
            mono_ms=self.clock.mono_ms(),
            generation=row.generation,
            state="READY",
        )

    def for_phone(self, number: str) -> Callback | None:
        """The callback for whoever calls from this number, opened if need be; one that humans have
        (state HUMAN) is theirs. None for a number that is on no policy, or on several: then only a
        human can tell who calls; and for one whose callback is done: who calls wants another
        thing."""
        found = self.store.policies_by_phone(number)
        if len(found) != 1:
            return None
        policy = found[0].number
        if (waiting := self.with_humans(policy)) or self.done(policy):
            return waiting
        return self.store.callback(self.open(policy, "phone"))

    def with_humans(self, policy_number: str) -> Callback | None:
        """The policy's callback that an agent has, or that waits for one."""
        found = self.store.callbacks(policy=policy_number, state=State.HUMAN, limit=1)
        return next(iter(found), None)

    def done(self, policy_number: str) -> Callback | None:
        """The policy's newest callback, if every item was answered."""
        newest = self._newest(policy_number)
        return newest if newest and newest.state in COMPLETED else None

    def answered(self, callback: str) -> dict[str, bool]:
        """Items with an answer on record, and whether it was the expected one."""
        return _answered(self.store.events(callback))

    def progress(self, callback: str) -> Progress:
        policy = self.store.policy_of(callback)
        return Progress(len(self.script(policy).items), self.answered(callback))

    def serve(self, callback: str) -> Scribe:
        """The pen of a conversation that this bot is about to have, on one line; `leave` it
        afterwards. Raises ServedElsewhere: two lines at once would ask the same person twice, and
        two pens would count the events apart."""
        with self._serving:
            if callback in self._served or self._rings(callback):
                raise ServedElsewhere
            self._served.add(callback)
        try:
            if self.bot:
                self.store.sharing.claim(callback, self.bot)
            return self.scribe(callback)
        except BaseException:
            self.leave(callback)
            raise

    def leave(self, callback: str) -> None:
        """The line that was served is closed."""
        with self._serving:
            self._served.discard(callback)

    def ring(self, callback: str) -> bool:
        """Its policyholder is about to be called: no chat begins before that is `rung` out. False
        when one has."""
        with self._serving:
            if callback in self._served:
                return False
            patience_ms = (self.settings.ring_s + RING_MARGIN_S) * 1000
            self._ringing[callback] = self.clock.mono_ms() + patience_ms
            return True

    def rung(self, callback: str) -> None:
        """The call was answered, or will not be."""
        with self._serving:
            self._ringing.pop(callback, None)

    def _rings(self, callback: str) -> bool:
        """Not for ever, whatever becomes of a call of which nothing more is heard."""
        return self._ringing.get(callback, 0) > self.clock.mono_ms()

    @property
    def served(self) -> frozenset[str]:
        """The callbacks whose policyholder is on a line here, on the phone or in a chat."""
        with self._serving:
            return frozenset(self._served)

    def scribe(self, callback: str) -> Scribe:
        return Scribe(self.store, callback, self.clock, self._tell)

    def _tell(self, event: Event) -> None:
        self.on_event(event)

    def sentences(self, policy: Policy) -> list[str]:
        return foreseen.surely(self.script(policy), policy.language)

    def contingencies(self, policy: Policy) -> list[str]:
        return foreseen.perhaps(self.script(policy), policy.language)


def _answered(events: Sequence[Event]) -> dict[str, bool]:
    return {e.body["item"]: e.body["as_expected"] for e in events if e.kind == "answered"}


class Conversations:
    """Makes the bot's conversations: callbacks and the dialogue that serves them."""

    def __init__(self, callbacks: Callbacks, dialogue: Dialogue) -> None:
        self.callbacks, self._dialogue = callbacks, dialogue

    def start(
        self,
        callback: str,
        line: Line,
        *,
        scribe: Scribe | None = None,
        state: protocol.State | None = None,
        resume: str = "resume",
        outbound: bool = False,
        browser: str = "",
    ) -> Conversation:
        """The bot's stretch of a callback on `line`; `state` where a human gave it back, `resume`
        the event to go on with. `outbound`: we dialled, so a machine may answer; `browser`: what
        the chat's is told by. Blocks."""
        known = self.callbacks
        policy = known.store.policy_of(callback)
        script = known.script(policy, line.kind)
        past = known.store.events(callback)
        flags = self._flags(callback, policy, past, browser) if state is None else []
        rate = known.settings.elder_rate if script.elder else known.settings.normal_rate
        return Conversation(
            line=line,
            script=script,
            policy=policy,
            dialogue=self._dialogue,
            scribe=scribe or known.scribe(callback),
            clock=known.clock,
            manner=Manner(rate=rate),
            done=_answered(past),
            state=state,
            resume=resume,
            outbound=outbound,
            guessing=guessing(past, known.clock.now()),
            flags=flags,
        )

    def flags(self, callback: str, browser: str) -> list[Draft]:
        """The same for a line that humans have, where no stretch of the bot's begins. Blocks."""
        store = self.callbacks.store
        return self._flags(callback, store.policy_of(callback), store.events(callback), browser)

    def _flags(
        self, callback: str, policy: Policy, past: Sequence[Event], browser: str
    ) -> list[Draft]:
        """What speaks of somebody else who answers for several policyholders (rule 10)."""
        store, settings = self.callbacks.store, self.callbacks.settings
        try:
            holders = store.policyholders(policy.phone)
            others = store.seen_on(callback, browser) if browser else []
        except StoreUnavailable:  # what the conversation does without a store is its own to find
            return []
        return [
            *crowded(past, holders, settings.phone_policyholders - 1),
            *shared(past, others, settings.device_policyholders - 1),
        ]
