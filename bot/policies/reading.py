"""What `huifang import` does with a file's bytes, up to the store: read, check, render."""

from __future__ import annotations

import io
import re

from bot.policies.columns import COLUMNS, WORDS, words
from bot.policies.csv_file import RowError, decode, parse_rows
from bot.policies.policy import Policy
from bot.questionnaires.questionnaire import Questionnaire


def import_rows(
    data: bytes, file_name: str, questionnaire: Questionnaire
) -> tuple[list[Policy], list[RowError]]:
    """Policies that can be called, and every fault of the others.

    A field that the policy's own questions speak of and that is empty is a fault here, so that no
    call can meet a gap in a sentence. Errors come in the order of the file's rows.
    """
    text, errors = decode(data, file_name)
    if errors:
        return [], errors
    rows, errors = parse_rows(io.StringIO(text, newline=""), file_name)
    good = []
    for row, policy in rows:
        unspeakable = _unspeakable(policy, file_name, row)
        gaps = questionnaire.missing(policy)
        errors += [
            RowError(
                file_name,
                row,
                gap.column,
                "",
                f"{COLUMNS[gap.column].kind.allowed} (clause {gap.clause} needs it)",
            )
            for gap in gaps
        ]
        errors += unspeakable
        if not gaps and not unspeakable:
            good.append(policy)
    return good, sorted(errors, key=lambda error: error.row)


def _unspeakable(policy: Policy, file_name: str, row: int) -> list[RowError]:
    """Words in a language that is not the policyholder's: nobody could say or read them."""
    allowed = re.compile(words(policy.language))
    texts = {name: getattr(policy, name) for name in WORDS}
    return [
        RowError(file_name, row, name, text, f"words in the policy's language ({policy.language})")
        for name, text in texts.items()
        if text is not None and not allowed.fullmatch(text)
    ]
