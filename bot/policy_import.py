"""What `huifang import` does with a file's bytes, up to the store: read, check, render."""

from __future__ import annotations

import io

from bot.policy import Policy
from bot.policy_columns import COLUMNS
from bot.policy_csv import RowError, decode, parse_rows
from bot.questionnaire import Questionnaire


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
        if not gaps:
            good.append(policy)
    return good, sorted(errors, key=lambda error: error.row)
