"""Runs one YAML scenario against the real dialogue, the real store and a scripted line.

A scenario is a list of steps a compliance officer can read:

    - say: 方便            the policyholder says this
    - interrupt: 清楚      … says this before the bot has finished
      torn: true           … and the line has returned a part of the bot's own voice with it
    - key: "1"             … presses these keys
    - echo: true           the line returns the bot's own voice
    - pause: 3             … does nothing for so many seconds, less than the bot is patient
    - silent: true         … says nothing for as long as the bot is patient
    - hangup: true         … puts the phone down
    - rest: {默认: 清楚, NT2: 没有}   answers everything that is asked from here to Z1,
                             comprehension questions (B8q …) as the contract says unless listed;
      until: B8              … or to this question
    - expect: {…}          what must have happened since the last `expect`:
        asked: B1          the question now open          form: plain      in which form
        said: [O1, O2]     clauses that were spoken       not_said: [B1]   and that were not
        answered: {B1: yes}   answers on record           handoff: request handed over, and why
        text: 转人工       words that were spoken         flagged: P18_INTERFERENCE
        checked: {B8: right}  comprehension, item by item: right, wrong, unclear
        code: {B8: P07_PREMIUM}  problem codes of answers on record
    changed: {birth_date: 1954-05-30}   this policyholder differs from the example policy
    end: {…}               state, outcome, ending, answered, problems of the callback at the end
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from bot.callbacks import Callbacks, Conversations
from bot.conversation.ending import Result
from bot.evidence.ledger import Event
from bot.evidence.verify import verify_store
from bot.questionnaires.questionnaire import Script
from tests.flow.scripted_line import ScriptedLine

STEP_TIMEOUT_S = 20  # a guard against a hang, never waited for


@dataclass
class Run:
    """What happened, in the order it was committed."""

    events: list[Event] = field(default_factory=list)
    checked: int = 0

    def since_last_look(self) -> list[Event]:
        fresh = self.events[self.checked :]
        self.checked = len(self.events)
        return fresh

    def asked(self) -> dict[str, Any]:
        return [e.body for e in self.events if e.kind == "asked"][-1]


def read(path: Path) -> dict[str, Any]:
    story: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return story | {"name": path.name}


async def play(story: dict[str, Any], conversations: Conversations) -> None:
    """Raises AssertionError naming the step that did not go as expected."""
    run = Run()
    callbacks = conversations.callbacks
    callbacks.on_event = run.events.append
    policy = callbacks.store.policy(story["policy"])
    if changes := story.get("changed"):
        policy = replace(policy, **changes)
        callbacks.store.save_policies([policy])
    script = callbacks.script(policy, story.get("line", "phone"))
    callback = callbacks.open(story["policy"], channel=story.get("line", "phone"))
    line = ScriptedLine(story.get("line", "phone"))
    conversation = conversations.start(callback, line)
    task = asyncio.create_task(conversation.run())
    steps = story["steps"]
    for number, step in enumerate(steps, 1):
        following = next((s for s in steps[number:] if "expect" not in s), {})
        line.hold = "interrupt" in following
        where = f"{story['name']}, step {number} {step}"
        try:
            async with asyncio.timeout(STEP_TIMEOUT_S):
                await _step(step, line, run, task, script)
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from None
    result = await asyncio.wait_for(task, STEP_TIMEOUT_S)
    _check_end(story.get("end", {}), result, callbacks, callback, story["name"])


async def _settled(line: ScriptedLine, task: asyncio.Task[Result]) -> None:
    idle = asyncio.create_task(line.idle())
    await asyncio.wait({idle, task}, return_when=asyncio.FIRST_COMPLETED)
    idle.cancel()


async def _step(
    step: dict[str, Any],
    line: ScriptedLine,
    run: Run,
    task: asyncio.Task[Result],
    script: Script,
) -> None:
    await _settled(line, task)
    match step:
        case {"expect": expected}:
            _check(expected, run)
            return
        case {"rest": answers}:
            await _answer_rest(answers, step.get("until", "Z1"), line, run, task, script)
        case {"say": text}:
            line.caller_says(text, confidence=step.get("confidence", 0.95))
        case {"interrupt": text}:
            line.caller_says(text, interrupting=True, echo_ms=400 if step.get("torn") else 0)
        case {"echo": _}:
            line.echoes()
        case {"key": digits}:
            line.caller_keys(str(digits))
        case {"pause": seconds}:
            line.time_passes(seconds)
            return
        case {"silent": _}:
            line.caller_is_silent()
        case {"hangup": _}:
            line.caller_hangs_up()
        case _:
            raise AssertionError("unknown step")
    await _settled(line, task)


async def _answer_rest(
    answers: dict[str, str],
    until: str,
    line: ScriptedLine,
    run: Run,
    task: asyncio.Task[Result],
    script: Script,
) -> None:
    for _ in range(60):
        clause = run.asked()["clause"]
        if clause == until or task.done():
            return
        asked = script.clauses.get(clause)
        usual = asked.expects.answer if asked and asked.expects else answers["默认"]
        line.caller_says(answers.get(clause, usual))
        await _settled(line, task)
    raise AssertionError("the questionnaire does not end")


def _check(expected: dict[str, Any], run: Run) -> None:
    fresh = run.since_last_look()
    words = [e.body for e in fresh if e.kind in {"said", "asked", "explained"}]
    spoken = {body["clause"] for body in words}
    answered = {e.body["item"]: e.body["answer"] for e in fresh if e.kind == "answered"}
    for key, wanted in expected.items():
        match key:
            case "asked":
                assert run.asked()["clause"] == wanted, f"asked {run.asked()['clause']}"
            case "form":
                assert run.asked()["form"] == wanted, f"form was {run.asked()['form']}"
            case "said":
                missing = set(wanted) - spoken
                assert not missing, f"not said: {sorted(missing)}; said: {sorted(spoken)}"
            case "not_said":
                leaked = set(wanted) & spoken
                assert not leaked, f"said: {sorted(leaked)}"
            case "text":
                assert any(wanted in body["text"] for body in words), "not said"
            case "answered":
                wanted = {k: {True: "yes", False: "no"}.get(v, v) for k, v in wanted.items()}
                assert answered == wanted, f"answered: {answered}"
            case "checked":
                checks = {e.body["item"]: e.body["result"] for e in fresh if e.kind == "checked"}
                assert checks == wanted, f"checked: {checks}"
            case "code":
                codes = {e.body["item"]: e.body["code"] for e in fresh if e.kind == "answered"}
                assert codes == wanted, f"codes: {codes}"
            case "handoff":
                reasons = [e.body["reason"] for e in fresh if e.kind == "handed_over"]
                assert reasons == [wanted], f"handed over: {reasons}"
            case "flagged":
                codes = [e.body["code"] for e in fresh if e.kind == "flagged"]
                assert wanted in codes, f"flagged: {codes}"
            case _:
                raise AssertionError(f"unknown expectation {key!r}")


def _check_end(
    expected: dict[str, Any],
    result: Result,
    callbacks: Callbacks,
    callback: str,
    name: str,
) -> None:
    row = callbacks.store.callback(callback)
    events = callbacks.store.events(callback)
    closed = next((e.body for e in reversed(events) if e.kind == "closed"), {})
    found = {
        "ending": result.ending,
        "reason": result.reason,
        "state": str(row.state),
        "owner": row.owner,
        "answered": closed.get("answered"),
        "problems": closed.get("problems"),
    }
    (report,) = verify_store(callbacks.store)
    lacking = [what for what in report.missing if "recording" not in what]  # there is no sound here
    assert report.integrity and not lacking, f"{name}: the record is not sound: {report}"
    wrong = {k: (v, found[k]) for k, v in expected.items() if found[k] != v}
    assert not wrong, f"{name}, at the end (wanted, found): {wrong}"
