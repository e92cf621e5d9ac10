"""`huifang demo` and `huifang call`: real calls on one machine, shown as they happen."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import statistics
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bot.cli import simulation
from bot.cli.importing import import_policies
from bot.cli.simulation import Outcome, Policyholder, Scenario
from bot.evidence.export import export
from bot.evidence.ledger import Event
from bot.evidence.states import State
from bot.evidence.verify import verify_store
from bot.evidence.verify_export import verify_folder
from bot.house import House, running
from bot.parts import open_voice
from bot.records.sealing import Sealer
from bot.settings import ROOT, Settings
from voice.speaking import Speaker

EXAMPLES = ROOT / "examples"
CHECKS = {"right": "[green]一致[/]", "wrong": "[red]不一致[/]", "unclear": "[yellow]不明确[/]"}
ANSWERS = {"yes": "[green]是[/]", "no": "[red]否[/]", "unclear": "[yellow]不明确[/]"}


def _console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, highlight=False, soft_wrap=True)


async def show(settings: Settings, *, once: bool) -> int:
    """The demo: import, a whole callback, one that presses 0, records and their verification."""
    out = _console()
    out.rule("1  Import examples/policies.csv")
    imported = import_policies(settings, EXAMPLES / "policies.csv")
    out.print(imported.summary())
    out.rule("2  Start: dialogue workers, recogniser, voice, phone line, pages")
    async with running(settings) as house:
        out.print(f"voice {house.speaker.name}, on {settings.host}")
        first = await _call(
            out, house, simulation.load(EXAMPLES / "call.yml"), "3  A whole callback"
        )
        second = await _call(
            out,
            house,
            simulation.load(EXAMPLES / "call-key0.yml"),
            "4  Key 0 in the middle of a term",
        )
        ok = await _records(out, house, (first, second))
        await _pages(out, house)
        if not once:
            out.print("\nCtrl-C ends.")
            await _until_interrupted()
    handed_over = second.action == "transfer"
    return 0 if ok and first.action == "hangup" and handed_over else 1


async def place_one(settings: Settings, scenario: Path, *, as_json: bool) -> int:
    """`huifang call`: one call from a scenario; exit status 0 when the record is sound."""
    out = _console(stderr=as_json)
    played = simulation.load(scenario)
    async with running(settings) as house:
        outcome = await _call(out, house, played, f"Call to policy …{played.policy[-4:]}")
        row = house.store.callback(outcome.callback)
        if as_json:
            print(
                json.dumps(
                    {
                        "callback": outcome.callback,
                        "state": str(row.state),
                        "outcome": row.outcome,
                        "next": outcome.action,
                        "gaps_s": [round(gap, 3) for gap in outcome.gaps_s],
                    }
                )
            )
    return 0


async def _call(out: Console, house: House, scenario: Scenario, title: str) -> Outcome:
    out.rule(title)
    policyholder_voice = open_voice(house.settings, scenario.voice)
    await policyholder_voice.start()
    try:
        policy = house.store.policy(scenario.policy)
        await _prepare(out, house.speaker, house.callbacks.sentences(policy), "the bot's sentences")
        await _prepare(
            out,
            policyholder_voice,
            scenario.words(house.callbacks.script(policy)),
            "the policyholder's answers",
        )
        ticker = _Ticker(out)
        house.listeners.append(ticker)
        try:
            outcome = await Policyholder(house, scenario, policyholder_voice).call()
        finally:
            house.listeners.remove(ticker)
    finally:
        await policyholder_voice.close()
    if outcome.gaps_s:
        out.print(
            f"response gap at the wire: median {statistics.median(outcome.gaps_s):.2f} s, "
            f"longest {max(outcome.gaps_s):.2f} s, of {len(outcome.gaps_s)} spoken answers"
        )
    out.print(f"the exchange is told: {outcome.action or '(nothing: human queue)'}")
    return outcome


async def _prepare(out: Console, speaker: Speaker, texts: list[str], what: str) -> None:
    missing = sum(not speaker.cached(text) for text in texts)
    if missing:
        out.print(f"{missing} new sentences to speak in advance ({what}): about a second each …")
    before = speaker.engine.cpu_s
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=out, transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task(f"speaking {what} in advance", total=len(texts))
        advance: Callable[[int, int], None] = lambda done, total: bar.update(  # noqa: E731
            task, completed=done, total=total
        )
        await speaker.prepare(texts, progress=advance)
    spent = f", {speaker.engine.cpu_s - before:.0f} core-seconds of speech" if missing else ""
    out.print(f"{len(texts)} sentences ready ({what}{spent})")


class _Ticker:
    """Prints the dialogue from the committed events, as they are committed."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._ended_ms: int | None = None  # when the policyholder last stopped speaking

    def __call__(self, event: Event) -> None:
        body, out = event.body, self._out
        match event.kind:
            case "said" | "asked" | "explained":
                out.print(f"[bold cyan]慧访[/] {body['clause']:<6} {body['text']}")
            case "heard":
                self._ended_ms = body["end_ms"]
                how = "按键" if body["via"] == "key" else f"{body['confidence']:.2f}"
                out.print(f"[bold magenta]客户[/] {how:<6} {body['text'] or '（无内容）'}")
            case "played" if self._ended_ms is not None and body["start_ms"] >= self._ended_ms:
                gap = (body["start_ms"] - self._ended_ms) / 1000
                out.print(f"[dim]       {gap:.2f} s after the policyholder stopped[/]")
                self._ended_ms = None
            case "checked":
                stated = body["stated"] or "没有明确的内容"
                out.print(
                    f"       → {body['item']} 核对：{stated}，合同：{body['expected']}，"
                    f"{CHECKS[body['result']]}"
                )
            case "answered":
                out.print(f"       → {body['item']} {ANSWERS[body['answer']]}")
            case "identity":
                out.print(f"       → 身份核实 {body['result']}")
            case "handed_over":
                out.print(f"       → [bold]转人工[/]（{body['reason']}）")
            case "closed":
                out.print(f"       → 结束 {body['state']} {body['answered']}/{body['total']}")
            case _:
                pass


async def _records(out: Console, house: House, outcomes: tuple[Outcome, ...]) -> bool:
    out.rule("5  The records")
    sound = True
    sealer = await asyncio.to_thread(Sealer, house.store, house.settings)
    for outcome in outcomes:
        folder = house.settings.data / "export" / outcome.callback
        shutil.rmtree(folder, ignore_errors=True)
        await asyncio.to_thread(
            export, house.store, house.settings.audio_folder, outcome.callback, folder, sealer
        )
        report = await asyncio.to_thread(verify_folder, folder, sealer.ring.trusted())
        # With a human it is still open: unaltered is what can be asked of it, not complete.
        still_open = house.store.callback(outcome.callback).state is State.HUMAN
        sound &= report.ok or (still_open and report.integrity)
        out.print(f"{folder}/index.html\n  {report}")
        if still_open:
            out.print("  (still open: it waits for a human, who will close it)")
    reports = await asyncio.to_thread(
        lambda: list(verify_store(house.store, house.settings.audio_folder))
    )
    good = sum(report.ok for report in reports)
    out.print(f"the whole store: {good} of {len(reports)} records sound")
    return sound and good == len(reports)


async def _pages(out: Console, house: House) -> None:
    out.rule("6  The pages")
    policy = house.store.policies(limit=3)[-1]
    callback = house.callbacks.open(policy.number, "chat")
    token = house.store.token_for(callback)
    out.print(f"chat page  {house.url('/chat')}#t={token}")
    out.print(f"console    {house.url('/console')}  secret: {house.console_secret}")


async def _until_interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sig in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(sig, stop.set)
    await stop.wait()
