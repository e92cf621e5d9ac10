"""The command line. Thin: each command loads only what it needs and says what went wrong.

Exit status: 0 done, 1 something was refused or found bad, 2 wrong usage, 3 not checked to the end.
"""

from __future__ import annotations

import json
import sys
from asyncio import run
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot import logs
from bot.cli import due, keys, parts, recordings, records, retention
from bot.cli.options import DataOption, JsonOption, settings, show
from bot.errors import HuifangError
from voice.errors import VoiceError

TIMES = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]

app = typer.Typer(
    name="huifang",
    help="Huifang 回访: calls policyholders back, offline. Each command has --help.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


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
    from bot.cli.demo import show

    raise typer.Exit(run(show(settings(data or Path("data/demo")), once=once)))


@app.command("import")
def import_(
    file: Path,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import policies from a CSV file. Good rows are kept; exit status 1 if any row was refused."""
    from bot.cli.importing import import_policies

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
    from bot.cli.demo import place_one

    raise typer.Exit(run(place_one(settings(data), scenario, as_json=as_json)))


@app.command()
def link(policy: str, data: DataOption = None) -> None:
    """Print a chat link for a policy's callback. Whoever has it may talk; send it safely."""
    from bot.cli.importing import chat_link

    typer.echo(chat_link(settings(data), policy))


@app.command()
def dial(
    policy: str,
    at: Annotated[
        datetime | None, typer.Option(help="China's time; now, if not given.", formats=TIMES)
    ] = None,
    data: DataOption = None,
) -> None:
    """Have the running bot call a policyholder. It dials between 9:00 and 21:00 only, by
    China's time; nobody whom a human has, or who has answered everything as hoped for."""
    from bot.cli.dialling import order

    typer.echo(order(settings(data), policy, at))


@app.command()
def dials(
    data: DataOption = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Callbacks looked at.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """What came of the calls the bot placed. Exit status 1 if the outcome of one is unknown: it
    will not be dialled again by itself; find out, then `huifang dial` it."""
    from bot.cli.dialling import placed

    rows = placed(settings(data), limit)
    for row in rows:
        show(row, as_json)
    raise typer.Exit(1 if any(row.look for row in rows) else 0)


due.register(app)
parts.register(app)
records.register(app)
keys.register(app)
retention.register(app)
recordings.register(app)


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
