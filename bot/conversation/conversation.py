"""One conversation over any line: hear, understand, commit, then speak.

The only writer of a callback's evidence while the bot owns it. It decides nothing about meaning
(Rasa does) but holds five safety rules of its own:

- key 0 reaches a human without asking anybody, the dialogue workers included
  (`Conversation._key`, `Performer.to_human`);
- an answer to a term that was not heard to its end is no answer (`Conversation._answered`);
- a yes to a term that is checked counts only with the right answer to its comprehension question
  (`proof.answered`);
- whoever prefers a language that the questionnaire is not in, or may be guessing at the proof of
  identity call after call, is not questioned: a human comes (`beginning.opening`);
- whatever fails (worker, store, voice), the caller ends with a human, never in silence
  (`Conversation.run`, `rescue`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from bot.answers import identity
from bot.answers.expectation import Said
from bot.answers.proof import Heard
from bot.conversation import afterthought, answering, beginning, hearing, pauses
from bot.conversation.acting import Manner
from bot.conversation.afterthought import Settled
from bot.conversation.ending import Result
from bot.conversation.inquiries import Inquiries
from bot.conversation.noises import SOON_S, Noises
from bot.conversation.performing import HUMAN_BUTTON, Performer
from bot.conversation.rescue import rescue
from bot.conversation.scribe import Clock, Scribe
from bot.dialogue.port import Dialogue
from bot.dialogue.protocol import Check, Close, Hold, Moved, Record, State, Turn
from bot.errors import HuifangError, OwnershipLost
from bot.evidence.ledger import Draft
from bot.policies.policy import Policy
from bot.questionnaires.questionnaire import Script
from voice.errors import LineError
from voice.frames import Hangup, Key, LineEvent, Played, Silence, Utterance
from voice.line import Line

log = structlog.get_logger()

DIGIT_PAUSE_S = 2.5  # how long somebody keying a number may look for the next key
BEFORE_IDENTITY = {"opening", "identity_self", "identity_secret"}
URGENT = {"human", "complain", "wrong_person"}  # heard even over what may not be interrupted


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
        guessing: bool = False,
        flags: Sequence[Draft] = (),
    ) -> None:
        """`done` maps items answered earlier to whether they were as expected; `state` is given
        when the bot goes on after a hand-over, with the event `resume` (resume, nobody_free).
        `outbound`: we dialled, so what answers may be a machine. `guessing`: see
        `beginning.guessing`; `flags`: what is noted at the beginning."""
        self._line, self._script, self._policy = line, script, policy
        self._dialogue, self._scribe = dialogue, scribe
        self._resume = resume if state is not None else None
        self._outbound, self._guessing, self._flags = outbound, guessing, flags
        self._bot = Performer(
            line=line,
            script=script,
            dialogue=dialogue,
            scribe=scribe,
            inquiries=Inquiries(script, policy, scribe, clock),
            manner=manner,
            done=done,
            state=state or {},
        )
        self._keys = identity.KeyCollector()
        self._noises = Noises()
        self._settled: Settled | None = None  # the last answer, while more may belong to it

    async def run(self) -> Result:
        """Talk until the end. Raises nothing: every fault ends with a human."""
        try:
            await self._begin()
            while self._bot.result is None:
                await self._react(await self._line.next())
            return self._bot.result
        except OwnershipLost:
            log.warning("conversation.ownership_lost", callback=self._scribe.callback)
            return Result("lost", self._bot.state)
        except HuifangError as error:
            return await self._rescued(error)
        except Exception as error:  # a fault of ours must not leave the caller in silence
            log.exception("conversation.fault", callback=self._scribe.callback)
            return await self._rescued(error)

    async def _rescued(self, error: Exception) -> Result:
        return await rescue(
            error,
            line=self._line,
            script=self._script,
            scribe=self._scribe,
            manner=self._bot.manner,
            state=self._bot.state,
        )

    async def _begin(self) -> None:
        if self._resume:
            moved = await self._dialogue.turn(Turn(self._bot.state, event=self._resume))
            if self._resume != "resume":  # on a line of its own
                await self._scribe.write([self._called(moved)])
        else:
            moved = await self._dialogue.begin(beginning.start(self._script, self._bot.progress))
            await self._scribe.write([self._called(moved), *self._flags])
            moved = beginning.opening(moved, self._script, self._policy, self._guessing)
        await self._bot.perform(moved)

    def _called(self, moved: Moved) -> Draft:
        return beginning.called(self._script, self._line.kind, moved.model)

    async def _react(self, event: LineEvent) -> None:
        await self._leave_behind(event)
        match event:
            case Played():
                await self._bot.played(event)
            case Hangup() if event.reason.startswith("error"):
                # The line broke; the caller may be there still, and the exchange asks what next.
                self._bot.result = await self._rescued(LineError(event.reason))
            case Hangup():
                await self._bot.close("hangup" if event.reason == "caller" else "line_failed")
            case Key():
                await self._key(event)
            case Utterance():
                await self._utterance(event)
            case Silence() if self._keys.pending:
                await self._number(self._keys.finish(), event.at_ms)
            case Silence():
                await self._silence(event)

    # -- nobody speaks

    async def _silence(self, event: Silence) -> None:
        body = {"waited_s": event.waited_s, "at_ms": event.at_ms}
        heard = Heard(Draft("silence", body), self._scribe.next_seq)
        unheard = event.waited_s <= SOON_S  # what was said had no words
        turn = Turn(self._bot.state, event=None if unheard else "silence")
        await self._bot.perform(await self._dialogue.turn(turn), heard)

    async def _wordless(self, said: Utterance) -> None:
        """Sound, but no words: kept as evidence (see `noises`)."""
        heard = self._heard(said, None)
        state, question = self._bot.state, self._bot.question
        if state.get("phase") in pauses.PHASES:
            question = None
        reaction = self._noises.heard(
            said.end_ms - said.start_ms, question.clause.id if question else ""
        )
        if reaction == "silence":
            await self._bot.perform(await self._dialogue.turn(Turn(state, event="silence")), heard)
        else:
            await self._scribe.write([heard.draft])
            self._bot.listen(SOON_S if reaction == "soon" else None)

    # -- words

    async def _utterance(self, said: Utterance) -> None:
        if said.via == "button" and said.text == HUMAN_BUTTON:
            await self._bot.to_human(self._heard(said, None))
        elif said.is_echo:
            await self._bot.go_on(self._heard(said, None))
        elif await self._reconsidered(said):
            pass
        elif not (said.text or said.spelt or said.original):
            await self._wordless(said)
        else:
            self._noises.words()
            await self._words(said)

    async def _words(self, said: Utterance) -> None:
        if self._outbound and self._bot.state.get("phase") in BEFORE_IDENTITY:
            machine = answering.machine(said.text)
            if machine:
                await self._machine(machine, said)
                return
        moved = await self._dialogue.turn(
            Turn(
                self._bot.state,
                text=said.text,
                via=said.via,
                confidence=said.confidence,
                **said.clues(),
            )
        )
        urgent = moved.meaning is not None and moved.meaning.request in URGENT
        heard = self._heard(said, moved)
        if said.over and said.echo_ms and not urgent:
            # What is left of a torn echo reads like words now and then.
            await self._bot.go_on(heard)
        elif said.over and not self._may_interrupt(said.over) and not urgent:
            await self._scribe.write([heard.draft])
        else:
            await self._spoken(said, moved, heard)

    async def _machine(self, kind: str, said: Utterance) -> None:
        """No person answered: nothing is asked of it, nothing more is told to it."""
        self._line.stop()
        await self._bot.perform(Moved((Close(kind),), self._bot.state), self._heard(said, None))

    def _may_interrupt(self, speech_id: str) -> bool:
        return self._script.interruptible(speech_id.rpartition(".")[0])

    async def _spoken(self, said: Utterance, moved: Moved, heard: Heard) -> None:
        """Words that were listened to; more may follow that belongs to them."""
        state, question, held = self._bot.state, self._bot.question, self._bot.held
        taken = await self._answered(moved, heard, _said(said), said.start_ms)
        if taken and self._bot.question is not question:
            if held and (self._bot.held or not self._bot.progress.as_expected.get(held.item)):
                held = None
            self._settled = afterthought.settled(said, moved, state, question, proven=held)

    async def _answered(self, moved: Moved, heard: Heard, said: Said, at_ms: int) -> bool:
        """Take the turn, unless it records an answer to a term that was not heard to its end: then
        it is asked again, and False returned."""
        records = any(isinstance(act, Record | Hold | Check) for act in moved.acts)
        early = records and not self._bot.term_was_out(at_ms)
        if early:
            moved = await self._dialogue.turn(Turn(self._bot.state, event="cut_off"))
        await self._bot.perform(moved, heard, said)
        return not early

    # -- more words (see `afterthought`)

    async def _reconsidered(self, said: Utterance) -> bool:
        """Take what belongs to the answer before it: weigh both as one. False for what does not
        belong there."""
        settled, self._settled = self._settled, None
        if settled is None or not settled.covers(said) or self._bot.term_was_out(said.start_ms):
            return False
        if afterthought.says_nothing(said) or (settled.item is None and not said.text):
            self._settled = settled
            await self._bot.go_on(self._heard(said, None))
            return True
        if settled.item is not None and not said.text:
            again = settled.unheard(settled.item)
            await self._bot.reopen(settled.question, settled.held, again, self._heard(said, None))
            return True
        moved = await self._dialogue.turn(settled.turn(said))
        if moved.meaning is None or moved.meaning.request in afterthought.ELSEWHERE:
            return False
        heard = self._heard(said, moved)
        if settled.stands(moved, said):
            self._settled = settled.with_more(said)
            await self._bot.go_on(heard)
        elif settled.held is None:
            again = settled.reopened(moved)
            await self._bot.reopen(settled.question, None, again, heard, _said(said))
        else:
            await self._bot.reopen(settled.question, settled.held, settled.unproven(), heard)
            await self._bot.perform(moved, None, settled.proof(said))
        return True

    # -- keys

    async def _key(self, key: Key) -> None:
        self._settled = None
        if key.digit == "0" and not self._keys.pending:
            await self._bot.to_human(self._heard_key("0", key.at_ms, None))
        elif self._asks_for_number:
            self._line.stop()
            number = self._keys.press(key.digit, key.at_ms)
            if number is not None:
                await self._number(number, key.at_ms)
            else:
                self._line.listen(DIGIT_PAUSE_S, None, pauses.NUMBER)
        else:
            moved = await self._keyed(key.digit)
            heard = self._heard_key(key.digit, key.at_ms, moved)
            await self._answered(moved, heard, Said(key.digit, "key"), key.at_ms)

    async def _number(self, number: str, at_ms: int) -> None:
        """What was keyed as the proof of identity."""
        moved = await self._keyed(number)
        heard = self._heard_key(number, at_ms, moved)
        await self._bot.perform(moved, heard, Said(number, "key"))

    async def _leave_behind(self, event: LineEvent) -> None:
        """Keys of a number that was never finished answer nothing that is asked after it, and begin
        no other number: they are kept on record and that is all."""
        goes_on = self._asks_for_number and not isinstance(event, Hangup)
        if isinstance(event, Key) and self._keys.stale(event.at_ms):
            goes_on = False
        if self._keys.pending and not goes_on:
            at_ms, digits = self._keys.last_ms, self._keys.finish()
            await self._scribe.write([hearing.keyed(digits, at_ms, None)])

    @property
    def _asks_for_number(self) -> bool:
        return self._bot.state.get("phase") == "identity_secret"

    async def _keyed(self, digits: str) -> Moved:
        return await self._dialogue.turn(Turn(self._bot.state, text=digits, via="key"))

    # -- evidence

    def _heard(self, said: Utterance, moved: Moved | None) -> Heard:
        return Heard(hearing.spoken(said, moved), self._scribe.next_seq)

    def _heard_key(self, digits: str, at_ms: int, moved: Moved | None) -> Heard:
        return Heard(hearing.keyed(digits, at_ms, moved), self._scribe.next_seq)


def _said(utterance: Utterance) -> Said:
    heard = utterance
    return Said(heard.text, heard.via, heard.confidence, heard.scores, heard.spelt)
