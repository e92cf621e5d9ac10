"""What goes out in a conversation: commit what the acts claim, then speak.

The bot's own side: where the dialogue stands, which question is open, how far the callback has
come. What comes in, and what is made of it, is `conversation`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from bot.answers.expectation import Expectation, Said
from bot.answers.proof import Heard, Held
from bot.conversation import pauses
from bot.conversation.acting import Manner, Plan, Question, Stage
from bot.conversation.delivery import Delivery
from bot.conversation.ending import Ending, Progress, Result, closing
from bot.conversation.hearing import keyed, spoken
from bot.conversation.inquiries import Inquiries
from bot.conversation.scribe import Scribe
from bot.dialogue.port import Dialogue
from bot.dialogue.protocol import Ask, Check, Handoff, Moved, Reschedule, Say, State, Turn, Verify
from bot.errors import DialogueUnavailable
from bot.evidence.ledger import Draft
from bot.questionnaires.questionnaire import Script
from voice.frames import Hangup, Key, Played, Utterance
from voice.line import Line
from voice.listening.closed_set import ANY, YES_NO

HUMAN_BUTTON = "转人工"
MAX_ERRANDS = 4  # events of our own in a row, e.g. verify → identity_ok


class Performer:
    """Of one conversation, which reads its attributes and changes none."""

    def __init__(
        self,
        *,
        line: Line,
        script: Script,
        dialogue: Dialogue,
        scribe: Scribe,
        inquiries: Inquiries,
        manner: Manner,
        done: Mapping[str, bool],
        state: State,
    ) -> None:
        """`done`: items answered earlier, and whether as expected."""
        self._line, self._script, self._dialogue = line, script, dialogue
        self._scribe, self._inquiries = scribe, inquiries
        self._stage = Stage(script, spoken=line.kind == "phone")
        self._delivery = Delivery()
        self._as_expected = dict(done)
        self._said = Said("", "voice")  # what errands are about
        self._said_seq: int | None = None  # of its event
        self.manner = manner
        self.state = state  # the dialogue's
        self.question: Question | None = None  # the last one asked
        self.held: Held | None = None  # a yes that waits for its comprehension question
        self.result: Result | None = None  # once the bot's part is over

    @property
    def progress(self) -> Progress:
        return Progress(len(self._script.items), self._as_expected)

    async def perform(
        self, moved: Moved, heard: Heard | None = None, said: Said | None = None
    ) -> None:
        """Commit what the acts claim, then speak; run errands and perform what they lead to.
        `heard` is what the turn answers, `said` its words where an errand may be about them."""
        self._said = said or self._said
        if heard:
            self._said_seq = heard.seq
        for _ in range(MAX_ERRANDS):
            if self._stage.missing_explanation(moved.acts):
                moved = await self._dialogue.turn(Turn(moved.state, event="no_explanation"))
                continue
            plan = self._stage.plan(
                moved.acts,
                self.manner,
                first_seq=self._scribe.next_seq,
                heard=heard,
                question=self.question,
                held=self.held,
                fill=self._fill(),
            )
            self._count_answers(plan)
            await self._commit(plan, moved.state)
            self._speak(plan)
            if plan.errand is None:
                break
            heard = None
            event = await self._run(plan.errand, moved.state)
            moved = await self._dialogue.turn(Turn(moved.state, event=event))
        else:
            raise DialogueUnavailable("the dialogue ran in circles")
        if plan.handoff or plan.close:
            await self._finish(plan)

    async def to_human(self, heard: Heard) -> None:
        """One key to a human, from everywhere, even when no dialogue worker lives."""
        self._line.stop()
        await self.perform(Moved((Say("H_now"), Handoff("key")), self.state), heard)

    async def reopen(
        self,
        question: Question,
        held: Held | None,
        moved: Moved,
        heard: Heard,
        said: Said | None = None,
    ) -> None:
        """The question that was answered is open again, and the yes that waited for it waits."""
        self._line.stop()
        self.question, self.held = question, held
        await self.perform(moved, heard, said)
        if held is not None:  # what was written down has let go of it
            self.held = held

    async def go_on(self, heard: Heard) -> None:
        """What was heard changes nothing: ask the open question again if it was cut off by it."""
        await self._scribe.write([heard.draft])
        question = self.question
        if question is not None and self._delivery.cut_off(question.speech):
            await self.perform(Moved((Ask(question.clause.id, question.form),), self.state))
        else:
            self.listen()

    def listen(self, patience_s: float | None = None) -> None:
        """Expect an answer to the open question."""
        clause = self.question.clause if self.question else None
        patience = patience_s or (clause.patience_s if clause else 6.0)
        expects = clause.expects if clause else None
        answers = {"yes": YES_NO, "no": ANY}.get((clause.expect if clause else None) or "")
        if expects is not None:
            answers = expects.closed_set
        phase = str(self.state.get("phase"))
        silence = pauses.after(phase, expects, elder=self._script.elder)
        keys = self._keys_answer(phase, expects)
        self._line.listen(patience, answers, silence, keys=keys)

    def _keys_answer(self, phase: str, expects: Expectation | None) -> bool:
        """Whether 1 and 2 answer the open question: not where a number is asked for, unless it was
        said what each stands for."""
        if expects is None:
            return phase not in pauses.PHASES
        return expects.kind == "choice" or (self.question is not None and self.question.keys_named)

    def term_was_out(self, at_ms: int) -> bool:
        """Whether the term that is asked about was heard to its end by who answers at `at_ms`."""
        return self.question is not None and self._delivery.heard_out(self.question.term, at_ms)

    async def played(self, event: Played) -> None:
        """Some of our words have left the line. Raises HuifangError if they could not be played."""
        if drafts := self._delivery.played(event):
            await self._scribe.write(drafts)

    async def close(self, outcome: str) -> None:
        """End the attempt."""
        closed = closing(self.progress, outcome)
        await self._scribe.write(
            [closed], snapshot=self.state, state=closed.body["state"], outcome=outcome
        )
        ending: Ending = "hung_up" if outcome in {"hangup", "line_failed"} else "closed"
        self.result = Result(ending, self.state, outcome)

    # -- inside

    def _fill(self) -> dict[str, Mapping[str, Any]]:
        counts = {"total": self.progress.total, "problems": self.progress.problems}
        return {"Z_clean": counts, "Z_problem": counts, "K_booked": self._inquiries.slot}

    def _count_answers(self, plan: Plan) -> None:
        for draft in plan.drafts:
            if draft.kind == "answered":
                self._as_expected[draft.body["item"]] = draft.body["as_expected"]

    async def _commit(self, plan: Plan, state: State) -> None:
        self.state = state
        if plan.handoff:
            body = {"reason": plan.handoff, "generation": self._scribe.generation + 1}
            drafts = [*plan.drafts, Draft("handed_over", body)]
            await self._scribe.transfer("queue", drafts, snapshot=state, state="HUMAN")
        else:
            await self._scribe.write(plan.drafts, snapshot=state, state="IN_PROGRESS")

    def _speak(self, plan: Plan) -> None:
        self.manner, self.held = plan.manner, plan.held
        if plan.question:
            self.question = plan.question
        self._delivery.send(plan)
        self._line.say(plan.speech)
        self.listen(plan.wait_s)

    async def _run(self, errand: Verify | Check | Reschedule, state: State) -> str:
        """Returns the event with which the dialogue goes on."""
        match errand:
            case Verify():
                return await self._inquiries.verify(self._said)
            case Check():
                event, self.held = await self._inquiries.check(
                    self._said, self._said_seq, self.question, self.held
                )
                return event
            case Reschedule():
                by = "human" if state.get("for_human") else "bot"
                return await self._inquiries.reschedule(self._said, by=by)

    async def _finish(self, plan: Plan) -> None:
        """Let the last words be heard to their end, then leave. A human can still be had."""
        hangup = None
        while self._delivery.pending and hangup is None and self.result is None:
            event = await self._line.next()
            match event:
                case Played():
                    await self.played(event)
                case Hangup():
                    hangup = event
                case Key(digit="0") if not plan.handoff:
                    await self.to_human(Heard(keyed("0", event.at_ms, None), self._scribe.next_seq))
                case Utterance(via="button", text=human) if human == HUMAN_BUTTON:
                    if not plan.handoff:
                        await self.to_human(Heard(spoken(event, None), self._scribe.next_seq))
                case Utterance():
                    await self._said_at_last(event, leaving=not plan.handoff)
                case _:
                    pass
        if self.result is not None:
            return
        if plan.handoff:
            self.result = Result("handed_over", self.state, plan.handoff)
        elif plan.close:
            await self.close(plan.close)

    async def _said_at_last(self, said: Utterance, *, leaving: bool) -> None:
        """A farewell is no question, but what is said counts as said, and a wish for a human is
        granted."""
        moved = None
        if leaving and (said.text or said.spelt) and not said.is_echo:
            turn = Turn(self.state, said.text, said.via, said.confidence, **said.clues())
            with suppress(DialogueUnavailable):  # then it is only kept
                moved = await self._dialogue.turn(turn)
        heard = Heard(spoken(said, moved), self._scribe.next_seq)
        if moved is not None and moved.meaning is not None and moved.meaning.request == "human":
            self._line.stop()
            await self.perform(Moved((Say("H_now"), Handoff("request")), self.state), heard)
        else:
            await self._scribe.write([heard.draft])
