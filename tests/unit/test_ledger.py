"""The chain: whatever is changed, removed, repeated or reordered is found."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from bot.evidence import ledger
from bot.evidence.kinds import KINDS
from bot.evidence.ledger import Draft, Event, chain, verify_chain
from bot.evidence.states import FINISHED, TRANSITIONS, State, WrongState, allowed, move
from tests.unit.evidence_case import CALLBACK, NOW, build

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_drafts = st.one_of(
    st.builds(lambda code: Draft("flagged", {"code": code}), _texts),
    st.builds(lambda s: Draft("waited", {"seconds": s}), st.floats(0, 1e9)),
    st.builds(
        lambda text, n: Draft("heard", {"via": "voice", "text": text, "start_ms": n}),
        _texts,
        st.integers(0, 2**40),
    ),
)


def changed(event: Event) -> list[Event]:
    """The event with each of its fields changed in turn, in every character."""
    result = []
    for field in fields(Event):
        value = getattr(event, field.name)
        if isinstance(value, int):
            result += [replace(event, **{field.name: value + 1})]
            continue
        for at, char in enumerate(value):
            other = "0" if char != "0" else "1"
            result.append(replace(event, **{field.name: value[:at] + other + value[at + 1 :]}))
    return result


@given(st.lists(_drafts, max_size=8))
def test_what_was_chained_verifies(drafts: list[Draft]) -> None:
    events = build(drafts)
    assert verify_chain(events) == []
    assert [e.seq for e in events] == list(range(len(drafts)))
    assert all(after.prev == before.hash for before, after in pairwise(events))
    assert [e.body for e in events] == [json.loads(rfc8785.dumps(dict(d.body))) for d in drafts]


@given(st.lists(_drafts, min_size=2, max_size=8), st.data())
def test_removed_repeated_and_reordered_events_are_found(
    drafts: list[Draft], data: st.DataObject
) -> None:
    events = build(drafts)
    at = data.draw(st.integers(0, len(events) - 2), label="not the last")
    other = data.draw(st.integers(0, len(events) - 1).filter(lambda n: n != at))

    removed = events[:at] + events[at + 1 :]
    assert verify_chain(removed)[0].problem == ("head_cut" if at == 0 else "gap")
    repeated = [*events[: at + 1], events[at], *events[at + 1 :]]
    assert verify_chain(repeated)[0].problem == "repeated"
    swapped = list(events)
    swapped[at], swapped[other] = swapped[other], swapped[at]
    assert verify_chain(swapped)


def test_every_changed_character_of_every_field_is_found() -> None:
    events = build([Draft("called", {"line": "phone"}), Draft("flagged", {"code": "P18"})] * 2)
    tried = 0
    for index, event in enumerate(events):
        for forged in changed(event):
            tried += 1
            faults = verify_chain([*events[:index], forged, *events[index + 1 :]], CALLBACK)
            assert faults, forged
            assert faults[0].index in (index, index + 1)
    assert tried > 1000


@given(_drafts, _drafts)
def test_a_changed_body_under_an_honest_digest_is_found(one: Draft, two: Draft) -> None:
    (event,) = build([one])
    text = ledger.canonical(dict(two.body))
    forged = replace(event, text=text, digest=ledger.digest_of(event.salt, text))
    assert (verify_chain([forged]) == []) == (text == event.text)


def test_an_event_of_another_callback_is_found() -> None:
    ours, theirs = (build([Draft("flagged", {"code": "P18"})] * 3, id) for id in ("a", "b"))
    assert [f.problem for f in verify_chain([ours[0], theirs[1], ours[2]])] == [
        "foreign",
        "relinked",
    ]


def test_a_relinked_chain_is_found_where_it_was_cut() -> None:
    """Removing one event and renumbering the rest honestly moves every hash behind it."""
    drafts = [Draft("flagged", {"code": f"P{n}"}) for n in range(4)]
    events, shorter = build(drafts), build(drafts[:1] + drafts[2:])
    assert verify_chain([*events[:2], *shorter[2:]])[0].problem == "relinked"


def test_the_chain_can_be_walked_without_bodies() -> None:
    """Erasing a body keeps the digest, so the rest of the chain still holds."""
    events = build([Draft("flagged", {"code": "P18"})] * 3)
    erased = [replace(events[0], text="", salt=""), *events[1:]]
    assert [f.problem for f in verify_chain(erased)] == ["body_edited"]


def test_a_cut_off_tail_is_not_a_question_of_integrity() -> None:
    events = build([Draft("flagged", {"code": "P18"})] * 3)
    assert verify_chain(events[:-1]) == []


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(0, 2**53 - 1),
    st.integers(-(2**53) + 1, 2**53 - 1),
)
def test_headers_are_hashed_as_rfc_8785_writes_them(text: str, seq: int, mono_ms: int) -> None:
    header = {
        "callback": text, "seq": seq, "kind": text, "wall": text, "mono_ms": mono_ms,
        "prev": text, "digest": text,
    }  # fmt: skip
    by_standard = ledger.sha256(b"huifang.event.1\n" + rfc8785.dumps(header)).hexdigest()
    assert ledger.hash_of(text, seq, text, text, mono_ms, text, text) == by_standard


@pytest.mark.parametrize(
    "draft",
    [
        Draft("invented", {}),
        Draft("flagged", {"code": "P18", "colour": "red"}),
        Draft("flagged", {}),
        Draft("flagged", {"code": float("nan")}),
        Draft("flagged", {"code": 2**53}),
        Draft("flagged", {"code": b"bytes"}),
        Draft("flagged", {"code": "\ud800"}),
        Draft("flagged", {"code": "长" * ledger.MAX_BODY}),
    ],
    ids=["kind", "field", "lacking", "nan", "large number", "bytes", "surrogate", "large body"],
)
def test_what_is_not_in_the_table_is_refused(draft: Draft) -> None:
    with pytest.raises(ValueError):
        build([draft])


def test_wall_time_has_one_spelling_and_needs_a_zone() -> None:
    china = timezone(timedelta(hours=8))
    event = chain(None, CALLBACK, Draft("resumed"), datetime(2026, 11, 22, 17, 30, tzinfo=china), 5)
    assert event.wall == "2026-11-22T09:30:00.000000Z"
    with pytest.raises(ValueError, match="zone"):
        chain(None, CALLBACK, Draft("resumed"), datetime(2026, 11, 22), 5)


def test_a_chain_is_not_continued_from_another_callback() -> None:
    (event,) = build([Draft("resumed")])
    with pytest.raises(ValueError, match="another callback"):
        chain(event, "other", Draft("resumed"), NOW, 1)


def test_the_documentation_shows_the_whole_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text("utf-8")
    for name, kind in KINDS.items():
        (row,) = (line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        assert kind.meaning in row
        for field, meaning in kind.fields.items():
            mark = "**" if field in kind.required else ""
            assert f"{mark}`{field}`{mark} {meaning}" in row, (name, field)


def test_transitions_of_a_callback() -> None:
    assert TRANSITIONS.keys() == set(State)
    for before in State:
        assert move(before, State.CANCELLED) == State.CANCELLED
        assert move(before, before) == before
    happy = ["CREATED", "WAIT_RECEIPT", "READY", "IN_PROGRESS", "HUMAN", "COMPLETED_PROBLEM"]
    assert all(allowed(State(a), State(b)) for a, b in pairwise(happy))
    again = ["IN_PROGRESS", "INCOMPLETE", "READY", "MANUAL", "LETTER", "VISIT", "FAILED"]
    assert all(allowed(State(a), State(b)) for a, b in pairwise(again))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("CREATED", "COMPLETED_CLEAN"),
        ("WAIT_RECEIPT", "IN_PROGRESS"),
        ("READY", "COMPLETED_CLEAN"),
        ("COMPLETED_CLEAN", "COMPLETED_PROBLEM"),
        ("COMPLETED_PROBLEM", "COMPLETED_CLEAN"),
        ("NOT_ME", "IN_PROGRESS"),
        ("CANCELLED", "READY"),
    ],
)
def test_transitions_that_must_not_be(before: str, after: str) -> None:
    with pytest.raises(WrongState, match=f"{before} cannot become {after}"):
        move(before, after)


def test_what_is_finished_stays_finished_or_goes_to_people() -> None:
    for state in FINISHED:
        assert TRANSITIONS[state] <= {State.MANUAL}
