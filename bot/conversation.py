"""One conversation over any line: hear, understand, commit, then speak.

The only writer of a callback's evidence while the bot owns it. It decides nothing about meaning
(Rasa does) but holds five safety rules of its own:

- key 0 reaches a human without asking anybody, the dialogue workers included;
- an answer to a term that was not heard to its end is no answer;
- a yes to a term that is checked counts only with the right answer to its comprehension question;
- whoever prefers a language that the questionnaire is not in is not questioned: a human comes;
- whatever fails (worker, store, voice), the caller ends with a human, never in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import structlog

from bot import afterthought, answering, comprehension, hearing, identity, pauses, times
from bot.acting import Manner, Plan, Question, Spoken, Stage
from bot.afterthought import Settled
from bot.comprehension import Said
from bot.dialogue.protocol import (
    Act,
    Ask,
    Check,
    Close,
    Handoff,
    Hold,
    Item,
    Moved,
    Record,
    Reschedule,
    Say,
    Start,
    State,
    Turn,
    Verify,
)
from bot.errors import DialogueUnavailable, HuifangError, OwnershipLost, StoreUnavailable
from bot.evidence.ledger import Draft
from bot.evidence.states import State as CallbackState
from bot.noises import SOON_S, Noises
from bot.policy import Policy
from bot.proof import Heard, Held
from bot.questionnaire import Script
from bot.scribe import Clock, Scribe
from voice.frames import Hangup, Key, Played, Silence, Utterance
from voice.line import Line
from voice.listening.closed_set import ANY, YES_NO
from voice.playback import FILLER

log = structlog.get_logger()

HUMAN_BUTTON = "转人工"
DIGIT_PAUSE_S = 2.5  # how long somebody keying a number may look for the next key
BEFORE_IDENTITY = {"opening", "identity_self", "identity_secret"}
MAX_ERRANDS = 4  # events of our own in a row, e.g. verify → identity_ok
FOREIGN = ("O1", "O2", "H_language")
"""What somebody hears who prefers another language than the questionnaire's: who calls, that it is
recorded, and that a human comes."""
URGENT = {"human", "complain", "wrong_person"}  # heard even over what may not be interrupted

Ending = Literal["closed", "handed_over", "hung_up", "lost"]


class Dialogue(Protocol):
    """What a conversation needs of `bot.dialogue.client.Dialogue`."""

    async def begin(self, start: Start) -> Moved: ...

    async def turn(self, turn: Turn) -> Moved: ...


@dataclass(frozen=True)
class Result:
    """How a conversation, or the bot's part of it, ended."""

    ending: Ending
    state: State  # the dialogue's, to resume from
    reason: str = ""  # of a hand-over or a close


@dataclass(frozen=True)
class Progress:
    """How far a callback has come: items answered, and whether each was as expected."""

    total: int
    as_expected: Mapping[str, bool]

    @property
    def problems(self) -> int:
        return sum(not ok for ok in self.as_expected.values())

    @property
    def state(self) -> CallbackState:
        """The callback's state if it ended now (rules: 完成, 问题件)."""
        if len(self.as_expected) < self.total:
            return CallbackState.INCOMPLETE
        return CallbackState.COMPLETED_PROBLEM if self.problems else CallbackState.COMPLETED_CLEAN


def closing(progress: Progress, outcome: str) -> Draft:
    """The event that ends an attempt."""
    state = CallbackState.NOT_ME if outcome == "not_me" else progress.state
    return Draft(
        "closed",
        {
            "outcome": outcome,
            "state": str(state),
            "answered": len(progress.as_expected),
            "total": progress.total,
            "problems": progress.problems,
        },
    )


def items_of(script: Script) -> tuple[Item, ...]:
    """What the dialogue must know of the script: ids and what to expect, no wording."""
    clauses = (script.clauses[id] for id in script.items)
    return tuple(
        Item(
            c.id,
            expect=c.expect or "yes",
            severe=c.severe,
            code=c.code,
            check=c.check,
            must_check=c.must_check,
        )
        for c in clauses
    )


class Conversation:
    """Create one for each stretch that the bot owns; `run` ends when it owns it no longer."""

    def __init__(
        self,
        *,
        line: Line,
        script: Script,
        policy: Policy,
        dialogue: Dialogue,
        scribe: Scribe,
        clock: Clock,
        manner: Manner,
        done: Mapping[str, bool],
        state: State | None = None,
        resume: str = "resume",
        outbound: bool = False,
    ) -> None:
        """`done` maps items answered earlier to whether they were as expected; `state` is given
        when the bot goes on after a hand-over, with the event `resume` (resume, nobody_free).
        `outbound`: we dialled, so what answers may be a machine."""
        self._line, self._script, self._policy = line, script, policy
        self._dialogue, self._scribe, self._clock = dialogue, scribe, clock
        self._manner = manner
        self._as_expected = dict(done)
        self._resume = resume if state is not None else None
        self._outbound = outbound
        self._state: State = state or {}
        self._stage = Stage(script, spoken=line.kind == "phone")
        self._keys = identity.KeyCollector()
        self._question: Question | None = None
        self._spoken: dict[str, Spoken] = {}  # by the last speech of the clause
        self._outstanding: set[str] = set()
        self._parts: dict[str, Played] = {}  # of clauses that are still being played
        self._whole: dict[str, Played] = {}  # of the open question: what was heard to its end
        self._held: Held | None = None  # a yes that waits for its comprehension question
        self._noises = Noises()
        self._settled: Settled | None = None  # the last answer, while more may belong to it
        self._last = Said("", "voice")
        self._last_seq: int | None = None  # of its event
        self._identity_tries = 0
        self._slot: Mapping[str, str] = {}
        self._result: Result | None = None

    async def run(self) -> Result:
        """Talk until the end. Raises nothing: every fault ends with a human."""
        try:
            await self._begin()
            while self._result is None:
                await self._react(await self._line.next())
        except OwnershipLost:
            log.warning("conversation.ownership_lost", callback=self._scribe.callback)
            self._result = Result("lost", self._state)
        except HuifangError as error:
            await self._rescue(error)
        except Exception as error:  # a fault of ours must not leave the caller in silence
            log.exception("conversation.fault", callback=self._scribe.callback)
            await self._rescue(error)
        assert self._result is not None
        return self._result

    # -- what comes in

    async def _begin(self) -> None:
        if self._resume:
            moved = await self._dialogue.turn(Turn(self._state, event=self._resume))
            if self._resume != "resume":  # on a line of its own
                await self._scribe.write([self._called(moved)])
        else:
            start = Start(
                items_of(self._script),
                self._script.elder,
                tuple(self._as_expected),
                self._progress.problems,
            )
            moved = await self._dialogue.begin(start)
            await self._scribe.write([self._called(moved)])
            if self._policy.language != self._script.language:
                told = tuple(Say(clause) for clause in FOREIGN)
                moved = replace(moved, acts=(*told, Handoff("language")))
        await self._perform(moved, None)

    def _called(self, moved: Moved) -> Draft:
        asked = {
            "questionnaire": self._script.version,
            "questionnaire_sha256": self._script.sha256,
            "language": self._script.language,
        }
        return Draft("called", {"line": self._line.kind, "model": moved.model, **asked})

    async def _react(self, event: Utterance | Key | Silence | Played | Hangup) -> None:
        match event:
            case Played():
                await self._played(event)
            case Hangup():
                await self._hung_up(event)
            case Key():
                await self._key(event)
            case Utterance():
                await self._utterance(event)
            case Silence() if self._keys.pending:
                await self._number(self._keys.finish(), event.at_ms)
            case Silence():
                silence = Heard(
                    Draft("silence", {"waited_s": event.waited_s, "at_ms": event.at_ms}),
                    self._scribe.next_seq,
                )
                unheard = event.waited_s <= SOON_S  # what was said had no words
                turn = Turn(self._state, event=None if unheard else "silence")
                await self._perform(await self._dialogue.turn(turn), silence)

    async def _utterance(self, said: Utterance) -> None:
        if said.via == "button" and said.text == HUMAN_BUTTON:
            await self._zero(self._heard(said, None))
            return
        if said.is_echo:
            await self._go_on(self._heard(said, None))
            return
        if await self._reconsidered(said):
            return
        if not said.text and not said.original:
            await self._wordless(said)
            return
        self._noises.words()
        if self._outbound and self._state.get("phase") in BEFORE_IDENTITY:
            machine = answering.machine(said.text)
            if machine:
                await self._machine(machine, said)
                return
        moved = await self._understand(said)
        urgent = moved.meaning is not None and moved.meaning.request in URGENT
        heard = self._heard(said, moved)
        if said.over and said.echo_ms and not urgent:
            await self._go_on(heard)  # what is left of a torn echo reads like words now and then
            return
        if said.over and not self._may_interrupt(said.over) and not urgent:
            await self._scribe.write([heard.draft])
            return
        self._last = Said(said.text, said.via, said.confidence, said.scores)
        state, question, held = self._state, self._question, self._held
        if await self._answered(moved, heard, said.start_ms) and self._question is not question:
            right = held is not None and self._held is None and self._as_expected.get(held.item)
            self._settled = afterthought.settled(
                said, moved, state, question, held if right else None
            )

    async def _wordless(self, said: Utterance) -> None:
        """Sound, but no words: kept as evidence (see `noises`)."""
        heard = self._heard(said, None)
        question = self._question if self._state.get("phase") not in pauses.PHASES else None
        reaction = self._noises.heard(
            said.end_ms - said.start_ms, question.clause.id if question else ""
        )
        if reaction == "silence":
            moved = await self._dialogue.turn(Turn(self._state, event="silence"))
            await self._perform(moved, heard)
        else:
            await self._scribe.write([heard.draft])
            self._listen(SOON_S if reaction == "soon" else None)

    async def _reconsidered(self, said: Utterance) -> bool:
        """Take what belongs to the answer before it: weigh both as one (see `afterthought`). False
        for what does not belong there."""
        settled, self._settled = self._settled, None
        if settled is None or not settled.covers(said) or self._term_was_out(said.start_ms):
            return False
        if afterthought.says_nothing(said) or (settled.item is None and not said.text):
            self._settled = settled
            await self._go_on(self._heard(said, None))
            return True
        if settled.item is not None and not said.text:
            await self._take_back(settled, settled.unheard(settled.item), self._heard(said, None))
            return True
        moved = await self._dialogue.turn(settled.turn(said))
        if moved.meaning is None or moved.meaning.request in afterthought.ELSEWHERE:
            return False
        heard = self._heard(said, moved)
        if settled.stands(moved, said):
            self._settled = settled.with_more(said)
            await self._go_on(heard)
            return True
        self._last = Said(said.text, said.via, said.confidence, said.scores)
        if settled.held is None:
            await self._take_back(settled, settled.reopened(moved), heard)
        else:
            await self._take_back(settled, settled.unproven(), heard)
            self._last = settled.proof(said)
            await self._perform(moved, None)
        return True

    async def _take_back(self, settled: Settled, moved: Moved, heard: Heard) -> None:
        """The question that was answered is open again."""
        self._line.stop()
        self._question, self._held = settled.question, settled.held
        await self._perform(moved, heard)
        if settled.held is not None:  # what was written down has let go of it
            self._held = settled.held

    async def _go_on(self, heard: Heard) -> None:
        """What was heard changes nothing: ask the open question again if it was cut off by it."""
        await self._scribe.write([heard.draft])
        question = self._question
        played = self._outstanding | self._whole.keys()
        if question is not None and not played.issuperset(question.speech):
            await self._perform(Moved((Ask(question.clause.id, question.form),), self._state), None)
        else:
            self._listen()

    async def _machine(self, kind: str, said: Utterance) -> None:
        """No person answered: nothing is asked of it, nothing more is told to it."""
        self._line.stop()
        heard = self._heard(said, None)
        await self._perform(Moved((Close(kind),), self._state), heard)

    async def _key(self, key: Key) -> None:
        self._settled = None
        collecting = self._state.get("phase") == "identity_secret"
        if key.digit == "0" and not (collecting and self._keys.pending):
            await self._zero(self._heard_key("0", key.at_ms, None))
        elif collecting:
            self._line.stop()
            number = self._keys.press(key.digit, key.at_ms)
            if number is not None:
                await self._number(number, key.at_ms)
            else:
                self._line.listen(DIGIT_PAUSE_S, None, pauses.NUMBER)
        else:
            moved = await self._keyed(key.digit)
            heard = self._heard_key(key.digit, key.at_ms, moved)
            self._last = Said(key.digit, "key")
            await self._answered(moved, heard, key.at_ms)

    async def _number(self, number: str, at_ms: int) -> None:
        self._last = Said(number, "key")
        moved = await self._keyed(number)
        await self._perform(moved, self._heard_key(number, at_ms, moved))

    async def _zero(self, heard: Heard) -> None:
        """One key to a human, from everywhere, even when no dialogue worker lives."""
        acts: tuple[Act, ...] = (Say("H_now"), Handoff("key"))
        self._line.stop()
        await self._perform(Moved(acts, self._state), heard)

    async def _understand(self, said: Utterance) -> Moved:
        return await self._dialogue.turn(
            Turn(
                self._state,
                text=said.text,
                via=said.via,
                confidence=said.confidence,
                scores=said.scores,
                nearest=said.nearest,
            )
        )

    async def _keyed(self, digits: str) -> Moved:
        return await self._dialogue.turn(Turn(self._state, text=digits, via="key"))

    async def _answered(self, moved: Moved, heard: Heard, at_ms: int) -> bool:
        """Take the turn, unless it records an answer to a term that was not heard to its end: then
        it is asked again, and False returned."""
        records = any(isinstance(act, Record | Hold | Check) for act in moved.acts)
        early = records and not self._term_was_out(at_ms)
        if early:
            moved = await self._dialogue.turn(Turn(self._state, event="cut_off"))
        await self._perform(moved, heard)
        return not early

    def _term_was_out(self, at_ms: int) -> bool:
        if self._question is None:
            return False
        played = [self._whole.get(id) for id in self._question.term]
        return all(p is not None and p.start_ms <= at_ms for p in played)

    def _may_interrupt(self, speech_id: str) -> bool:
        return self._script.interruptible(speech_id.rpartition(".")[0])

    # -- what goes out

    async def _perform(self, moved: Moved, heard: Heard | None) -> None:
        """Commit what the acts claim, then speak; run errands and perform what they lead to."""
        if heard:
            self._last_seq = heard.seq
        for _ in range(MAX_ERRANDS):
            if self._stage.missing_explanation(moved.acts):
                moved = await self._dialogue.turn(Turn(moved.state, event="no_explanation"))
                continue
            plan = self._stage.plan(
                moved.acts,
                self._manner,
                first_seq=self._scribe.next_seq,
                heard=heard,
                question=self._question,
                held=self._held,
                fill=self._fill(),
            )
            self._count_answers(plan)
            await self._commit(plan, moved.state)
            self._speak(plan)
            if plan.errand is None:
                break
            heard = None
            moved = await self._run(plan.errand, moved.state)
        else:
            raise DialogueUnavailable("the dialogue ran in circles")
        if plan.handoff or plan.close:
            await self._finish(plan)

    def _count_answers(self, plan: Plan) -> None:
        for draft in plan.drafts:
            if draft.kind == "answered":
                self._as_expected[draft.body["item"]] = draft.body["as_expected"]

    async def _commit(self, plan: Plan, state: State) -> None:
        self._state = state
        if plan.handoff:
            body = {"reason": plan.handoff, "generation": self._scribe.generation + 1}
            drafts = [*plan.drafts, Draft("handed_over", body)]
            await self._scribe.transfer("queue", drafts, snapshot=state, state="HUMAN")
        else:
            await self._scribe.write(plan.drafts, snapshot=state, state="IN_PROGRESS")

    def _speak(self, plan: Plan) -> None:
        self._manner, self._held = plan.manner, plan.held
        if plan.question:
            self._question = plan.question
            self._whole.clear()
        self._spoken |= {spoken.speech[-1]: spoken for spoken in plan.spoken}
        self._outstanding |= {speech.id for speech in plan.speech}
        self._line.say(plan.speech)
        self._listen(plan.wait_s)

    def _listen(self, patience_s: float | None = None) -> None:
        clause = self._question.clause if self._question else None
        patience = patience_s or (clause.patience_s if clause else 6.0)
        expects = clause.expects if clause else None
        answers = {"yes": YES_NO, "no": ANY}.get((clause.expect if clause else None) or "")
        if expects is not None:
            answers = expects.closed_set
        phase = str(self._state.get("phase"))
        silence = pauses.after(phase, expects, elder=self._script.elder)
        self._line.listen(patience, answers, silence)

    async def _run(self, errand: Verify | Check | Reschedule, state: State) -> Moved:
        match errand:
            case Check():
                return await self._check(state)
            case Verify():
                result = identity.check(self._last.text, self._policy)
                self._identity_tries += 1
                tried = {"result": result, "tries": self._identity_tries}
                await self._scribe.write([Draft("identity", tried)])
                return await self._dialogue.turn(Turn(state, event=f"identity_{result}"))
            case Reschedule():
                now = self._clock.now().astimezone()
                when = times.parse_when(self._last.text, now)
                if when is None:
                    return await self._dialogue.turn(Turn(state, event="time_unheard"))
                self._slot = {"slot": self._script.slot(when, now)}
                booked = {"when": when.isoformat(), "text": self._last.text, **self._slot}
                by = "human" if state.get("for_human") else "bot"
                await self._scribe.book(when, Draft("rescheduled", booked), by=by)
                return await self._dialogue.turn(Turn(state, event="time_booked"))

    async def _check(self, state: State) -> Moved:
        """What was just said against the contract; the comparison is evidence of its own."""
        question, held = self._question, self._held
        if question is None or held is None or question.clause.checks != held.item:
            raise DialogueUnavailable("a comprehension check without its question or its yes")
        expects = question.clause.expects
        assert expects is not None
        checked = comprehension.check(expects, self._last, keys_named=question.keys_named)
        seq = self._scribe.next_seq
        evidence = comprehension.evidence(question.clause.id, held.item, expects, checked)
        evidence |= {"asked_seq": question.asked_seq, "heard_seq": self._last_seq}
        await self._scribe.write([Draft("checked", evidence)])
        self._held = held.settled(checked, seq)
        result = "keyed" if checked.keyed else checked.result
        return await self._dialogue.turn(Turn(state, event=f"check_{result}"))

    @property
    def _progress(self) -> Progress:
        return Progress(len(self._script.items), self._as_expected)

    def _fill(self) -> dict[str, Mapping[str, Any]]:
        counts = {"total": self._progress.total, "problems": self._progress.problems}
        return {"Z_clean": counts, "Z_problem": counts, "K_booked": self._slot}

    # -- endings

    async def _finish(self, plan: Plan) -> None:
        """Let the last words be heard to their end, then leave. Key 0 still wins."""
        hangup = None
        while self._outstanding and hangup is None and self._result is None:
            event = await self._line.next()
            match event:
                case Played():
                    await self._played(event)
                case Hangup():
                    hangup = event
                case Key(digit="0") if not plan.handoff:
                    await self._zero(self._heard_key("0", event.at_ms, None))
                case _:
                    pass  # a farewell is not a question
        if self._result is not None:
            return
        if plan.handoff:
            self._result = Result("handed_over", self._state, plan.handoff)
        elif plan.close:
            await self._close(plan.close)

    async def _hung_up(self, event: Hangup) -> None:
        await self._close("hangup" if event.reason == "caller" else "line_failed")

    async def _close(self, outcome: str) -> None:
        closed = closing(self._progress, outcome)
        await self._scribe.write(
            [closed], snapshot=self._state, state=closed.body["state"], outcome=outcome
        )
        ending: Ending = "hung_up" if outcome in {"hangup", "line_failed"} else "closed"
        self._result = Result(ending, self._state, outcome)

    async def _rescue(self, error: Exception) -> None:
        """Something broke: say so, and let a human take over. Nothing is claimed that was not
        committed; without a store the hand-over itself is the exchange's default."""
        log.error("conversation.rescue", callback=self._scribe.callback, error=type(error).__name__)
        self._line.stop()
        body = {"reason": "failure", "generation": self._scribe.generation + 1}
        failed = Draft("failed", {"part": type(error).__name__, "error": str(error)})
        try:
            await self._scribe.transfer(
                "queue", [failed, Draft("handed_over", body)], snapshot=self._state, state="HUMAN"
            )
        except (StoreUnavailable, OwnershipLost):
            log.error("conversation.rescue_unrecorded", callback=self._scribe.callback)
        stage = Stage(self._script, spoken=self._line.kind == "phone")
        plan = stage.plan([Say("H_now")], self._manner, first_seq=0)
        self._line.say([replace(s, id=f"rescue.{s.id}") for s in plan.speech])
        await self._line.drain()
        self._result = Result("handed_over", self._state, "failure")

    # -- evidence

    async def _played(self, event: Played) -> None:
        if event.id.startswith(FILLER):  # the line's own words: nothing is claimed by them
            await self._scribe.write([hearing.played(FILLER, [event])])
        if event.id not in self._outstanding:
            return
        self._outstanding.discard(event.id)
        if event.complete:
            self._whole[event.id] = event
        elif event.reason.startswith("failed"):
            raise HuifangError("speech could not be played")
        self._parts[event.id] = event
        spoken = self._spoken.pop(event.id, None)
        if spoken is not None:
            parts = [self._parts.pop(id) for id in spoken.speech]
            await self._scribe.write([hearing.played(spoken.clause, parts)])

    def _heard(self, said: Utterance, moved: Moved | None) -> Heard:
        return Heard(hearing.spoken(said, moved), self._scribe.next_seq)

    def _heard_key(self, digits: str, at_ms: int, moved: Moved | None) -> Heard:
        return Heard(hearing.keyed(digits, at_ms, moved), self._scribe.next_seq)
