"""What the dialogue cannot know and the application finds out from what was just said: is it the
policyholder, is it what the contract says, which time was meant. Each finding is on record before
the dialogue hears of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.answers import comprehension, identity, times
from bot.answers.expectation import Said
from bot.answers.proof import Held
from bot.conversation.acting import Question
from bot.conversation.scribe import Clock, Scribe
from bot.errors import DialogueUnavailable
from bot.evidence.ledger import Draft
from bot.local import local
from bot.policies.policy import Policy
from bot.questionnaires.questionnaire import Script


class Inquiries:
    """Of one conversation. Each returns the event with which the dialogue goes on."""

    def __init__(self, script: Script, policy: Policy, scribe: Scribe, clock: Clock) -> None:
        self._script, self._policy = script, policy
        self._scribe, self._clock = scribe, clock
        self._tries = 0  # at proving who one is
        self.slot: Mapping[str, str] = {}  # the time that was booked, as it is spoken

    async def verify(self, said: Said) -> str:
        """Whether it is the policyholder who speaks."""
        result = identity.check(said.text, self._policy)
        self._tries += 1
        await self._scribe.write([Draft("identity", {"result": result, "tries": self._tries})])
        return f"identity_{result}"

    async def check(
        self, said: Said, heard_seq: int | None, question: Question | None, held: Held | None
    ) -> tuple[str, Held]:
        """What was said to a comprehension question against the contract; `held`: the yes that
        waits for it, returned with the result. Raises DialogueUnavailable without either."""
        if question is None or held is None or question.clause.checks != held.item:
            raise DialogueUnavailable("a comprehension check without its question or its yes")
        expects = question.clause.expects
        assert expects is not None
        checked = comprehension.check(expects, said, keys_named=question.keys_named)
        seq = self._scribe.next_seq
        evidence = comprehension.evidence(question.clause.id, held.item, expects, checked)
        evidence |= {"asked_seq": question.asked_seq, "heard_seq": heard_seq}
        await self._scribe.write([Draft("checked", evidence)])
        event = "check_keyed" if checked.keyed else f"check_{checked.result}"
        return event, held.settled(checked, seq)

    async def reschedule(self, said: Said, *, by: str) -> str:
        """Books another call for the time that was named; `by`: bot or human."""
        now = local(self._clock.now())
        when = times.parse_when(said.text, now, open_hours=self._script.open_hours)
        if when is None:
            return "time_unheard"
        self.slot = {"slot": self._script.slot(when, now)}
        booked = {"when": when.isoformat(), "text": said.text, **self.slot}
        await self._scribe.book(when, Draft("rescheduled", booked), by=by)
        return "time_booked"
