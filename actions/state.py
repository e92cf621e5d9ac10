"""What the dialogue remembers of one conversation. Nothing personal: ids and counts.

It travels between worker and application with every turn, so it is plain JSON both ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bot.dialogue.protocol import Answer, Ask, Form, Item

OPENING = "opening"
PERSON = "identity_self"
PROOF = "identity_secret"
ITEMS = "items"
CHECK = "comprehension"
QUESTIONS = "questions"
OFFER = "human_offer"
WHEN = "callback_time"
HANDOFF = "handoff"
CLOSING = "closing"


@dataclass(frozen=True)
class Tries:
    """What was tried at the present question; forgotten once it is settled."""

    unclear: int = 0  # answers not understood
    silent: int = 0  # prompts met with silence
    cut_off: int = 0  # answers before the question was out
    strays: int = 0  # turns that brought the conversation no further
    offers: int = 0  # times a human was offered
    wrong: int = 0  # wrong answers to a comprehension question


@dataclass(frozen=True)
class Question:
    """A question, and the phase in which its answer is understood."""

    phase: str
    clause: str
    form: Form = "full"

    def ask(self) -> Ask:
        return Ask(self.clause, self.form)


@dataclass(frozen=True)
class State:
    """Immutable; every move makes the next one."""

    phase: str = ""  # "" until the opening was said
    items: tuple[Item, ...] = ()  # open ones, in order; answered ones leave from the front
    elder: bool = False
    resumed: bool = False  # an earlier call answered some items already
    problems: int = 0  # answers so far that were not as expected
    verified: bool = False  # identity proven in this conversation
    doubted: bool = False  # … and then something was said that sounded like somebody else
    identity_tries: int = 0
    times_asked: int = 0  # how often a time for a later call was asked for
    asked: Question | None = None  # the question that waits for its answer
    back: Question | None = None  # where to go on when an offered human is refused
    offered_for: str = ""  # why a human was offered: the reason of the hand-over
    for_human: bool = False  # nobody was free: a human will call at the time that is named
    waiting: bool = False  # the caller asked us to wait and has not answered since
    sample: bool = False  # `rasa shell`: no application, wording comes from actions/sample.py
    tries: Tries = field(default_factory=Tries)

    @property
    def complete(self) -> bool:
        """Every item has its answer, in this call or an earlier one."""
        return self.verified and not self.items

    @property
    def on_item(self) -> bool:
        """The first open item is being asked, or its comprehension question."""
        return self.phase in {ITEMS, CHECK}

    @property
    def hesitant(self) -> bool:
        """Something at the present question was no clear answer."""
        return bool(self.tries.unclear or self.tries.offers)

    def tried(self, **counts: int) -> State:
        """The same with some of `tries` raised by the given amounts."""
        raised = {name: getattr(self.tries, name) + by for name, by in counts.items()}
        return replace(self, tries=replace(self.tries, **raised))

    def at(self, question: Question, tries: Tries | None = None) -> State:
        """The same with `question` asked, its tries new unless given."""
        return replace(
            self, phase=question.phase, asked=question, waiting=False, tries=tries or Tries()
        )

    def in_form(self, form: Form) -> State:
        """The same question, asked in another form."""
        assert self.asked is not None
        return self.at(replace(self.asked, form=form), self.tries)

    def answered(self, answer: Answer) -> State:
        """The same with the first open item settled."""
        item, *rest = self.items
        wrong = answer != item.expect
        return replace(self, items=tuple(rest), problems=self.problems + wrong)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> State:
        """Raises TypeError or ValueError when the data is not a state."""
        fields = dict(data)
        fields["items"] = tuple(Item.from_json(item) for item in fields.get("items", ()))
        fields["tries"] = Tries(**fields.get("tries", {}))
        for name in ("asked", "back"):
            if fields.get(name) is not None:
                fields[name] = Question(**fields[name])
        return cls(**fields)
