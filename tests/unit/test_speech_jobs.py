"""The queue before the speaking child."""

from __future__ import annotations

import asyncio

import pytest

from voice.speaking.jobs import Jobs


async def order(jobs: Jobs[str], count: int) -> list[str]:
    taken = []
    for _ in range(count):
        job = await jobs.take()
        taken.append(job.text)
        jobs.finish(job, job.text)
    return taken


async def test_urgent_texts_go_first_and_the_others_by_age() -> None:
    jobs: Jobs[str] = Jobs()
    for text in ("一", "二", "三"):
        jobs.submit(text, urgent=False)
    jobs.submit("急", urgent=True)
    assert await order(jobs, 4) == ["急", "一", "二", "三"]


async def test_the_same_text_is_spoken_once_and_overtakes_when_it_becomes_urgent() -> None:
    jobs: Jobs[str] = Jobs()
    jobs.submit("一", urgent=False)
    patient = jobs.submit("二", urgent=False)
    assert jobs.submit("二", urgent=True) is patient
    assert len(jobs) == 2
    assert await order(jobs, 2) == ["二", "一"]
    assert await patient == "二"
    assert len(jobs) == 0


async def test_one_in_work_is_shared_too() -> None:
    jobs: Jobs[str] = Jobs()
    first = jobs.submit("一", urgent=False)
    job = await jobs.take()
    assert jobs.submit("一", urgent=False) is first
    jobs.finish(job, "声音")
    assert await first == "声音"


async def test_who_gives_up_takes_nothing_from_the_others() -> None:
    jobs: Jobs[str] = Jobs()
    waiting = [asyncio.ensure_future(asyncio.shield(jobs.submit("一", urgent=False))) for _ in "ab"]
    await asyncio.sleep(0)
    waiting[0].cancel()
    jobs.finish(await jobs.take(), "声音")
    assert await waiting[1] == "声音"


async def test_everybody_hears_of_an_error() -> None:
    jobs: Jobs[str] = Jobs()
    waiting = [jobs.submit("一", urgent=False), jobs.submit("二", urgent=True)]
    jobs.fail_all(RuntimeError("closed"))
    for result in waiting:
        with pytest.raises(RuntimeError, match="closed"):
            await result
