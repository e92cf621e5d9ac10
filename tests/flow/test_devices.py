"""One browser that answers for several policyholders: somebody else may sit there (rule 10)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from bot.dialogue import protocol
from bot.dialogue.protocol import Moved
from bot.humans.settling import list_due
from bot.settings import Settings
from bot.store import Store
from tests.conftest import POLICY
from tests.flow.desks import DeadDialogue, Page, house

OTHER, THIRD = "902626001067", "902626001018"
MINE, YOURS = "a" * 32, "b" * 32


class SilentDialogue(DeadDialogue):
    """Begins, and says nothing."""

    async def begin(self, start: protocol.Start) -> Moved:
        del start
        return Moved((), {})


class House:
    def __init__(self, settings: Settings, store: Store) -> None:
        self.store = store
        self.desk, self.callbacks = house(settings, store, SilentDialogue())
        self._called = asyncio.Event()
        self.callbacks.on_event = lambda event: event.kind == "called" and self._called.set()

    async def chat(self, policy: str, browser: str) -> str:
        """The policyholder opens the link, is asked the first thing, and leaves. The callback."""
        callback = self.callbacks.open(policy, "chat")
        self._called.clear()
        page = Page(await self.desk.open_chat(self.store.token_for(callback), browser))
        await asyncio.wait_for(self._called.wait(), 5)
        page.line.leave()
        while callback in self.callbacks.served:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0)
        return callback

    def flags(self, callback: str) -> list[dict[str, Any]]:
        return [e.body for e in self.store.events(callback) if e.kind == "flagged"]


async def test_a_browser_of_several_policyholders_is_flagged_once(
    settings: Settings, store: Store
) -> None:
    house = House(settings, store)
    first = await house.chat(POLICY, MINE)
    second = await house.chat(OTHER, MINE)
    assert await house.chat(OTHER, MINE) == second, "he comes again"
    third = await house.chat(THIRD, YOURS)
    assert house.flags(second) == [{"code": "P18_INTERFERENCE", "shared_with": first}]
    assert house.flags(first) == house.flags(third) == []
    await house.desk.close()


@pytest.mark.parametrize("owner", ["queue", "human:李娜"])
async def test_a_browser_is_noted_where_humans_have_the_callback_as_well(
    owner: str, settings: Settings, store: Store
) -> None:
    house = House(settings, store)
    first = await house.chat(POLICY, MINE)
    second = house.callbacks.open(OTHER, "chat")
    now = house.callbacks.clock.now()
    store.append(second, [], wall=now, mono_ms=1, generation=1, state="IN_PROGRESS")
    store.transfer(second, 1, owner, [], now, 2, state="HUMAN")
    flagged, called = asyncio.Event(), house.callbacks.on_event
    house.callbacks.on_event = lambda event: event.kind == "flagged" and flagged.set()
    await house.desk.open_chat(store.token_for(second), MINE)
    await asyncio.wait_for(flagged.wait(), 5)
    assert house.flags(second) == [{"code": "P18_INTERFERENCE", "shared_with": first}]
    house.callbacks.on_event = called
    third = await house.chat(THIRD, MINE)
    assert {flag["shared_with"] for flag in house.flags(third)} == {first, second}
    await house.desk.close()


async def test_a_telephone_number_of_several_policyholders_is_flagged_once_for_so_many(
    settings: Settings, store: Store
) -> None:
    """A seller had entered his own number and took 31 callbacks (晋银保监罚决字〔2021〕16号)."""
    house = House(settings, store)

    def on_one_number(*numbers: str) -> None:
        mine = store.policy(POLICY).phone
        store.save_policies([replace(store.policy(n), phone=mine) for n in numbers])

    on_one_number(OTHER)
    callback = await house.chat(POLICY, MINE)
    assert house.flags(callback) == [], "a couple"
    on_one_number(OTHER, THIRD)
    for _ in range(2):
        assert await house.chat(POLICY, MINE) == callback
    told = {"code": "P18_INTERFERENCE", "policyholders": 3}
    assert house.flags(callback) == [told]
    store.save_policies(
        [replace(store.policy(THIRD), number="903", id_number="11010119900101004X")]
    )
    await house.chat(POLICY, MINE)
    assert house.flags(callback) == [told, {**told, "policyholders": 4}]
    await house.desk.close()


async def test_who_has_two_policies_may_answer_for_both(settings: Settings, store: Store) -> None:
    house = House(settings, store)
    store.save_policies([replace(store.policy(POLICY), number=OTHER)])
    await house.chat(POLICY, MINE)
    assert house.flags(await house.chat(OTHER, MINE)) == []
    await house.desk.close()


async def test_where_tablets_are_lent_out_more_may_share_one(
    settings: Settings, store: Store
) -> None:
    house = House(settings.model_copy(update={"device_policyholders": 3}), store)
    first = await house.chat(POLICY, MINE)
    second = await house.chat(OTHER, MINE)
    third = await house.chat(THIRD, MINE)
    assert house.flags(second) == []
    assert {flag["shared_with"] for flag in house.flags(third)} == {first, second}
    await house.desk.close()


@pytest.mark.parametrize("state", ["COMPLETED_CLEAN", "INCOMPLETE"])
async def test_it_stays_due_until_a_human_has_looked(
    state: str, settings: Settings, store: Store
) -> None:
    house = House(settings, store)
    await house.chat(POLICY, MINE)
    second = await house.chat(OTHER, MINE)
    at = {"wall": house.callbacks.clock.now(), "mono_ms": 1, "generation": 1}
    store.append(second, [], **at, state="IN_PROGRESS")
    store.append(second, [], **at, state=state)
    assert second in {one.callback for one in list_due(store, house.callbacks.clock)}
    await house.desk.close()


async def test_an_erased_record_leaves_no_trace_of_its_browser(
    settings: Settings, store: Store
) -> None:
    house = House(settings, store)
    first = await house.chat(POLICY, MINE)
    at = {"by": "x", "reason": "x", "wall": house.callbacks.clock.now(), "mono_ms": 1}
    store.erase(first, **at)
    with store._database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM devices")).scalar_one() == 0
    assert house.flags(await house.chat(OTHER, MINE)) == []
    await house.desk.close()
