"""What is said right after an answer belongs to that answer. Pure.

A clear 是的 ends a turn after a short silence, is committed, and the next question follows. If the
caller then goes on ("是的…不对，我不清楚"), both belong together: they are weighed as one, on the
state of before. The answer stands only if the whole still is that answer. Otherwise it is taken
back: the item is written down again with what the whole says, or as UNCLEAR, and asked again; so it
is where what followed could not be understood. The record keeps both utterances and both answers;
the last one counts. A yes never comes from here.

The same holds for the right answer to a comprehension question ("十年…不对，十五年"): it stands
only if the whole still states what the contract says. Else the yes that it proved waits again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.answers import comprehension
from bot.answers.expectation import Said
from bot.answers.proof import Held
from bot.conversation.acting import Question
from bot.dialogue.protocol import Answer, Ask, Moved, Record, Say, State, Turn
from voice.frames import Utterance

TERM_WINDOW_MS, WINDOW_MS = 3000, 1500
"""From the end of an answer to the beginning of what belongs to it, where a term was answered and
where another question was; our own choice. By then at most the first words of the next question
were heard, and nobody can have answered that."""
SPEECH_MS = 300  # a sound without words that is as long may have been words
WITHDRAWN = "说完又有补充，请客户重新回答"
ELSEWHERE = frozenset({"human", "complain", "wrong_person", "busy", "goodbye", "slower", "louder"})
"""Requests that take nothing back."""

_FILLERS = re.compile(r"[嗯啊哦噢喔呃额唉诶欸哎，。！？、…,.!?\s]*")


@dataclass(frozen=True)
class Settled:
    """An answer just given, and what it takes to weigh it again."""

    said: Utterance
    answer: Answer  # yes or no; of a comprehension question that of its item
    item: str | None  # the term it was written down for; None: a question of the opening
    state: State  # of the dialogue before the answer
    question: Question
    held: Held | None = None  # the yes that it proved, where a comprehension question was answered

    def covers(self, said: Utterance) -> bool:
        """Whether `said` came soon enough to belong to the answer, if it answers nothing else."""
        window = WINDOW_MS if self.item is None else TERM_WINDOW_MS
        return said.start_ms - self.said.end_ms <= window

    def turn(self, said: Utterance) -> Turn:
        """The answer and what followed it as one utterance, on the state of before."""
        whole = self._whole(said)
        return Turn(
            self.state,
            text=whole.text,
            via="voice",
            confidence=whole.confidence,
            **whole.clues(),
        )

    def stands(self, moved: Moved, said: Utterance) -> bool:
        """Whether the whole is still the same answer; `moved` is the turn of the whole."""
        if self.held is None:
            return moved.meaning is not None and moved.meaning.answer == self.answer
        expects = self.question.clause.expects
        assert expects is not None
        named = self.question.keys_named
        return comprehension.check(expects, self.proof(said), keys_named=named).result == "right"

    def proof(self, said: Utterance) -> Said:
        """The whole as an answer to a comprehension question. The scores are those of the first
        part: what followed was weighed against the answers to another question."""
        whole = self._whole(said)
        return Said(whole.text, "voice", whole.confidence, self.said.scores)

    def with_more(self, said: Utterance) -> Settled:
        """The same answer, of which `said` is now a part."""
        return replace(self, said=replace(self._whole(said), end_ms=said.end_ms))

    def reopened(self, moved: Moved) -> Moved:
        """What is done where the answer does not stand; `moved` is the turn of the whole."""
        if self.item is None:
            return moved
        record = next((act for act in moved.acts if isinstance(act, Record)), None)
        if record is None:
            return replace(moved, acts=(self._withdrawn(self.item), *moved.acts))
        if record.answer == self.question.clause.expect:
            return replace(self.unheard(self.item), meaning=moved.meaning)
        return moved

    def unheard(self, item: str) -> Moved:
        """What is done where more was said and not understood: it may have been a no."""
        asked = item if self.held is None else self.question.clause.id
        again = (self._withdrawn(item), Say("R_unclear"), Ask(asked, "plain"))
        return Moved(again, self.state)

    def unproven(self) -> Moved:
        """The yes that was proven no longer is; then the whole is taken as the answer."""
        assert self.item is not None
        return Moved((self._withdrawn(self.item),), self.state)

    @staticmethod
    def _withdrawn(item: str) -> Record:
        return Record(item, "unclear", WITHDRAWN)

    def _whole(self, said: Utterance) -> Utterance:
        return replace(
            self.said,
            text=f"{self.said.text}，{said.text}",
            confidence=min(self.said.confidence, said.confidence),
            scores=_weakest(self.said.scores, said.scores),
            nearest="",
            sounds=f"{self.said.sounds} {said.sounds}",
            spelt="",
        )


def settled(
    said: Utterance,
    moved: Moved,
    state: State,
    question: Question | None,
    proven: Held | None = None,
) -> Settled | None:
    """What may still be added to: a spoken yes or no to a question, or the right answer to a
    comprehension question, which `proven` waited for. `state` and `question` are those it
    answered."""
    if question is None or said.via != "voice" or moved.meaning is None or moved.meaning.request:
        return None
    if question.clause.checks:
        if proven is None:
            return None
        return Settled(said, "yes", proven.item, state, question, proven)
    if moved.meaning.answer == "unclear":
        return None
    item = next((act.item for act in moved.acts if isinstance(act, Record)), None)
    return Settled(said, moved.meaning.answer, item, state, question)


def says_nothing(said: Utterance) -> bool:
    """嗯 after a yes is neither more nor less than the yes; nor is a click or a breath."""
    if not said.text:
        return said.end_ms - said.start_ms < SPEECH_MS
    return _FILLERS.fullmatch(said.text) is not None


def _weakest(one: Mapping[str, float], two: Mapping[str, float]) -> Mapping[str, float]:
    """Of each ratio the one that says less for a yes; a wish for a human counts wherever it is."""
    both = {name: min(one.get(name, ratio), ratio) for name, ratio in {**one, **two}.items()}
    if "urgent" in both:
        both["urgent"] = max(one.get("urgent", 0.0), two.get("urgent", 0.0))
    return both
