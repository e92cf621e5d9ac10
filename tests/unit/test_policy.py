"""Policies: what they know, and what a bad file is told."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.policies.csv_file import MAX_BYTES, RowError, decode, mask, parse_csv
from bot.policies.policy import Policy, Product
from bot.policies.reading import import_rows
from bot.questionnaires import questionnaire
from tests.unit.policies import FILE, VERSION, examples, policy

ROWS = list(csv.DictReader(io.StringIO(FILE.read_text(encoding="utf-8"))))


def table(*rows: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def read(*rows: dict[str, str]) -> tuple[list[Policy], list[RowError]]:
    return parse_csv(io.StringIO(table(*rows)), "p.csv")


def load(*rows: dict[str, str]) -> tuple[list[Policy], list[RowError]]:
    return import_rows(table(*rows).encode(), "p.csv", questionnaire.load(VERSION))


def test_the_examples_cover_what_a_demonstration_needs() -> None:
    found = examples()
    assert len(found) >= 8
    assert {p.product for p in found} == set(Product)
    assert {p.payment for p in found} == {"regular", "single"}
    assert 72 in {p.holder_age(date(2026, 11, 22)) for p in found}
    assert any(p.insured_differs for p in found)
    assert any(p.dual_record for p in found)
    assert any(p.replacement for p in found)


def test_the_examples_can_belong_to_nobody() -> None:
    for p in examples():
        assert p.id_number.startswith("99")  # no such region
        assert p.phone.startswith("154")  # a segment no operator was given


def test_cooling_off_runs_from_the_day_after_receipt_and_counts_its_first_day() -> None:
    p = policy(received_on=date(2026, 11, 10), cooling_off_days=15, cooling_off_from=None)
    assert (p.cooling_off_start, p.cooling_off_end) == (date(2026, 11, 11), date(2026, 11, 25))


def test_the_contract_may_start_the_cooling_off_period_on_another_day() -> None:
    p = policy(cooling_off_from=date(2026, 11, 18), cooling_off_days=20)
    assert (p.cooling_off_start, p.cooling_off_end) == (date(2026, 11, 18), date(2026, 12, 7))


@pytest.mark.parametrize(
    ("on", "age"), [(date(2026, 3, 7), 71), (date(2026, 3, 8), 72), (date(2027, 1, 1), 72)]
)
def test_age_in_full_years(on: date, age: int) -> None:
    assert policy(birth_date=date(1954, 3, 8)).holder_age(on) == age


@pytest.mark.parametrize(
    ("holder", "surname"),
    [
        ("张秀兰", "张"),
        ("欧阳明", "欧阳"),
        ("阿迪力·买买提", "阿迪力"),
        ("John Smith", "Smith"),
    ],
)
def test_greeting_knows_only_the_surname(holder: str, surname: str) -> None:
    assert policy(holder=holder).surname == surname


@pytest.mark.parametrize(
    ("term", "long"),
    [("终身", True), ("20年", True), ("1年", False), ("12个月", False), ("至80周岁", True)],
)
def test_long_term_is_longer_than_a_year(term: str, long: bool) -> None:
    assert policy(term=term).long_term is long


def test_survives_json() -> None:
    for p in examples():
        assert Policy.from_json(json.loads(json.dumps(p.to_json()))) == p


def test_shows_nothing_personal_in_a_traceback() -> None:
    p = policy()
    for secret in (p.holder, p.phone, p.id_number, p.birth_date.isoformat(), p.number):
        assert secret not in repr(p)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_reads_what_spreadsheets_write(encoding: str) -> None:
    data = table(*ROWS).encode(encoding)
    assert import_rows(data, "p.csv", questionnaire.load(VERSION)) == (list(examples()), [])


def test_reads_chinese_titles_and_values() -> None:
    row = {**ROWS[0], "gender": "女", "product": "普通型", "payment": "期交", "channel": "个人代理"}
    titles = {"gender": "投保人性别", "product": "产品类型"}
    found, errors = read({titles.get(name, name): cell for name, cell in row.items()})
    assert (found, errors) == ([examples()[0]], [])


BAD = [
    ("product", "basic", "participating"),
    ("birth_date", "1954-02-30", "YYYY-MM-DD"),
    ("birth_date", "1954/03/08", "YYYY-MM-DD"),
    ("received_on", "2026-11-02", "not before applied_on"),
    ("cooling_off_days", "0", "1..60"),
    ("cooling_off_days", "十五", "1..60"),
    ("premium", "12,000", "12000.50"),
    ("premium", "0", "0.01"),
    ("premium", "1e5", "0.01"),
    ("term", "long", "终身"),
    ("gender", "", "male"),
    ("phone", "139 0000", "7..15"),
    ("holder", "<b>张</b>", "hanzi"),
    ("coverage", "身故{premium}", "read aloud"),
    ("coverage", "身" * 301, "1..300"),
    ("replacement", "maybe", "yes | no"),
    ("id_number", "99000119540308122", "check digit"),
    ("id_number", "990001195403081210", "check digit"),
    ("birth_date", "1955-03-08", "id_number"),
]


@pytest.mark.parametrize(("column", "cell", "allowed"), BAD)
def test_a_bad_cell_is_named_with_what_is_allowed(column: str, cell: str, allowed: str) -> None:
    found, errors = read(ROWS[1], {**ROWS[0], column: cell})
    assert [p.number for p in found] == [ROWS[1]["number"]]
    error = next(e for e in errors if e.column == column)
    assert (error.file, error.row) == ("p.csv", 3)
    assert allowed in error.allowed
    assert str(error).startswith(f"p.csv:3:{column}: ")


def test_every_fault_of_a_row_is_told_at_once() -> None:
    _, errors = read({**ROWS[0], "gender": "?", "premium": "-1", "term": ""})
    assert [e.column for e in errors] == ["gender", "term", "premium"]


@pytest.mark.parametrize("column", ["id_number", "phone", "holder", "birth_date", "number"])
def test_personal_values_are_masked_in_messages(column: str) -> None:
    cell = ROWS[0][column] + "?1"
    _, errors = read({**ROWS[0], column: cell})
    assert errors
    assert not any(ROWS[0][column][1:] in str(e) for e in errors)


@given(st.text(min_size=1))
def test_a_mask_shows_two_characters_at_most(value: str) -> None:
    shown = mask(value)
    assert len(shown) == len(value)
    assert shown[1:-1] == "*" * len(shown[1:-1])


def test_a_policy_given_twice_is_kept_once() -> None:
    found, errors = read(ROWS[0], ROWS[1], ROWS[0])
    assert len(found) == 2
    assert (errors[0].row, errors[0].column) == (4, "number")
    assert "row 2" in errors[0].allowed


def test_a_row_with_a_cell_too_many_is_refused() -> None:
    lines = table(*ROWS[:2]).splitlines()
    found, errors = parse_csv([lines[0], lines[1] + ",x", lines[2]], "p.csv")
    assert [p.number for p in found] == [ROWS[1]["number"]]
    assert errors[0].row == 2


def test_an_unknown_column_is_told_and_skipped() -> None:
    found, errors = read({**ROWS[0], "waiting_day": "30"})
    assert found == [examples()[0]]
    assert [(e.row, e.value) for e in errors] == [(1, "waiting_day")]


@pytest.mark.parametrize("header", ["", "number,number", "姓名,电话", "\x00"])
def test_without_a_good_header_nothing_is_read(header: str) -> None:
    found, errors = parse_csv([header, "1,2"] if header else [], "p.csv")
    assert not found
    assert errors


def test_the_examples_need_every_required_column() -> None:
    row = {name: cell for name, cell in ROWS[0].items() if name != "phone"}
    found, errors = read(row)
    assert not found
    assert [(e.row, e.column) for e in errors] == [(1, "phone")]


def test_rows_are_counted_in_lines_of_the_file() -> None:
    text = table(ROWS[0]) + "\r\n\r\n" + table({**ROWS[1], "gender": "?"}).splitlines()[1]
    _, errors = parse_csv(io.StringIO(text, newline=""), "p.csv")
    assert errors[0].row == 5


def test_an_unbalanced_quote_ends_the_reading_with_a_message() -> None:
    found, errors = parse_csv([*table(ROWS[0]).splitlines(), '"abc'], "p.csv")
    assert len(found) == 1
    assert errors[0].row == 3
    assert "nothing from this row on was read" in errors[0].allowed


@pytest.mark.parametrize("column", ["received_on", "cooling_off_from", "ended_on"])
def test_a_date_that_stands_for_none_keeps_no_other_policy_out(column: str) -> None:
    good = {"ended_on": "", **ROWS[1]}
    found, errors = load({"ended_on": "", **ROWS[0], column: "9999-12-31"}, good)
    assert [p.number for p in found] == [ROWS[1]["number"]]
    assert [(e.row, e.column) for e in errors] == [(2, column)]


def test_a_file_too_large_or_no_text_is_refused() -> None:
    assert decode(b"x" * (MAX_BYTES + 1), "p.csv")[1]
    assert decode(b"\x81\x00\xff\xff", "p.csv")[1]


@pytest.mark.parametrize(
    ("example", "column", "clause"),
    [
        (2, "guaranteed_rate", "UN2"),
        (3, "holder_risk", "UL3"),
        (4, "waiting_days", "HE1"),
        (4, "renewal_period", "HE2"),
        (4, "hospitals", "HE4"),
        (0, "coverage", "B5"),
        (0, "premium_years", "B8"),
        (0, "replacement", "C2"),
        (4, "guaranteed_renewal", "HE2"),
    ],
)
def test_a_field_the_questions_speak_of_is_missed_at_import(
    example: int, column: str, clause: str
) -> None:
    found, errors = load({**ROWS[example], column: ""})
    assert not found
    assert [(e.file, e.row, e.column) for e in errors] == [("p.csv", 2, column)]
    assert clause in errors[0].allowed


def test_a_field_of_another_product_is_not_missed() -> None:
    assert policy().guaranteed_rate is None
    assert load(ROWS[0])[1] == []


KOREAN = "사망 또는 전신 장해(身故、全残), 계약에서 정한 보험금을 지급"


def test_the_insurers_words_may_be_korean_for_those_who_prefer_it() -> None:
    (found,), errors = load({**ROWS[0], "language": "ko", "coverage": KOREAN})
    assert not errors
    assert (found.language, found.coverage) == ("ko", KOREAN)


def test_korean_words_are_refused_where_mandarin_is_spoken() -> None:
    found, errors = load({**ROWS[0], "coverage": KOREAN})
    assert not found
    assert [(e.row, e.column) for e in errors] == [(2, "coverage")]


def test_money_is_exact() -> None:
    assert policy("universal").premium == Decimal("1500.50")


@given(st.binary(max_size=400))
def test_no_bytes_make_the_import_fail(data: bytes) -> None:
    found, errors = import_rows(data, "p.csv", questionnaire.load(VERSION))
    assert not found
    assert errors


@given(st.lists(st.text(max_size=60), min_size=len(ROWS[0]), max_size=len(ROWS[0])))
def test_no_cells_make_the_import_fail(cells: list[str]) -> None:
    row = dict(zip(ROWS[0], cells, strict=True))
    found, errors = load(row)
    assert not found
    assert errors or not any(cell.strip() for cell in cells)
