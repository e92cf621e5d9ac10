"""Commands about recorded sentences: list, check. Part of `bot.cli.main`."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.options import settings

recordings_app = typer.Typer(
    help="Sentences that a person recorded, played instead of synthesised (docs/recordings.md).",
    no_args_is_help=True,
)
SHOWN = 10  # missing sentences; the rest is counted


def register(app: typer.Typer) -> None:
    app.add_typer(recordings_app, name="recordings")


@recordings_app.command("list")
def list_() -> None:
    """Print index.csv: every sentence of the questionnaire to read aloud, {} for a value, and the
    names of the files for the words around it."""
    from bot import recordings
    from bot.questionnaires import questionnaire

    chosen = settings()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("sentence", "files"))
    for line in recordings.to_record(questionnaire.load(chosen.questionnaire).document, chosen):
        writer.writerow((line.sentence, " ".join(line.files)))


@recordings_app.command("check")
def check(
    folder: Annotated[Path, typer.Argument(help="WAVs and index.csv.")],
) -> None:
    """Listen to every file and say which does not sound like its words, and which sentences are
    not recorded. Exit status 1 if a file is unusable or says something else."""
    from bot import parts, recordings
    from bot.questionnaires import questionnaire
    from voice.speaking.recorded import Recordings

    chosen = settings()
    opened = Recordings(folder)
    typer.echo(f"{opened.name}: {len(opened)} sentences, {len(opened.files)} files")
    bad = 0
    for doubt in recordings.doubts(opened, parts.open_recogniser(chosen)):
        bad += 1
        typer.echo(str(doubt), err=True)
    lines = recordings.to_record(questionnaire.load(chosen.questionnaire).document, chosen)
    missing = recordings.missing(lines, opened)
    if missing:
        typer.echo(f"{len(missing)} sentences are not recorded and will be synthesised:")
        for sentence in missing[:SHOWN]:
            typer.echo(f"  {sentence}")
        if len(missing) > SHOWN:
            typer.echo(f"  … and {len(missing) - SHOWN} more")
    raise typer.Exit(1 if bad else 0)
