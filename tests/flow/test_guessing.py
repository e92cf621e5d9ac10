"""Who hangs up before the last try and calls again may be guessing: a human asks who it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.callbacks import Conversations
from bot.conversation.beginning import MAX_WRONG, WRONG_WITHIN, guessing
from bot.evidence.ledger import GENESIS, Draft, Event, chain_after
from tests.conftest import POLICY
from tests.flow.scripted_line import ScriptedLine
from tests.flow.test_faults import begun, spoken

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def record(*results: str) -> list[Event]:
    """Statements of identity, a minute apart, the last one at NOW."""
    events: list[Event] = []
    for before, result in zip(reversed(range(len(results))), results, strict=True):
        if result == "given_back":
            draft = Draft("given_back", {"agent": "李娜", "generation": 3})
        else:
            draft = Draft("identity", {"result": result})
        head = events[-1].hash if events else GENESIS
        at = NOW - timedelta(minutes=before)
        events.append(chain_after(len(events), head, "c", draft, at, 0, salt="00"))
    return events


def test_wrong_statements_are_counted_over_all_calls_of_a_day() -> None:
    wrong = ["wrong"] * MAX_WRONG
    assert guessing(record(*wrong), NOW)
    assert not guessing(record(*wrong[1:]), NOW)
    assert not guessing(record(*wrong[1:], "unheard"), NOW)
    assert not guessing(record(*wrong[1:], "ok", "wrong"), NOW)
    assert not guessing(record(*wrong, "given_back", "wrong"), NOW), "a human knows who it is"
    assert not guessing(record(*wrong), NOW + WRONG_WITHIN + timedelta(minutes=1))


@pytest.mark.rasa
@pytest.mark.asyncio(loop_scope="session")
async def test_two_tries_a_call_do_not_go_on_for_ever(conversations: Conversations) -> None:
    tries = 0
    while tries < MAX_WRONG:
        callback, line, task = await begun(conversations, "方便", "是我", "19790426", "19790427")
        assert spoken(line)[-1] == "I2_retry"
        tries += 2
        line.caller_hangs_up()
        assert (await task).reason == "hangup"
    assert conversations.callbacks.open(POLICY, "phone") == callback
    line = ScriptedLine()
    result = await conversations.start(callback, line).run()
    assert (result.ending, result.reason) == ("handed_over", "identity")
    assert list(dict.fromkeys(spoken(line))) == ["O1", "O2", "H_identity"]
    row = conversations.callbacks.store.callback(callback)
    assert (row.owner, row.state) == ("queue", "HUMAN")
