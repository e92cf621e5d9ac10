"""The questionnaire: what is asked of whom, in which words."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from itertools import pairwise

import pytest

from bot.errors import ConfigError, MissingField
from bot.policies.policy import Policy
from bot.questionnaires import questionnaire
from bot.questionnaires.conditions import applies
from bot.questionnaires.schema import REQUIRED
from bot.questionnaires.wording import FIELDS, parse
from tests.unit.policies import VERSION, examples, policy, render

SOURCE = (questionnaire.FOLDER / f"{VERSION}.yml").read_text(encoding="utf-8")
BASE = ["B1", "B2", "B3", "B3d", "B4", "B4u", "B5", "B6", "B7", "B9", "B10", "C3", "C3a"]
DYNAMIC = {"K_booked", "Z_clean", "Z_problem"}


def everything(p: Policy, **options: object) -> list[str]:
    script = render(p, **options)
    filled = [script.fill(id, slot="明天下午三点", total=15, problems=2) for id in script.dynamic]
    return [
        text for clause in [*script.clauses.values(), *filled] for text in clause.forms().values()
    ]


@pytest.mark.parametrize("way", ["phone", "chat"])
@pytest.mark.parametrize("p", examples(), ids=lambda p: p.product)
def test_every_clause_renders_whole(p: Policy, way: str) -> None:
    for text in everything(p, way=way):
        assert text
        assert not re.search(r"[{}]|None|，，|。。| {2}", text)
        assert text[-1] in "。？"


@pytest.mark.parametrize("p", examples(), ids=lambda p: p.product)
def test_every_item_is_one_question_at_the_end(p: Policy) -> None:
    script = render(p)
    for item in (script.clauses[id] for id in script.items):
        for text in (item.text, item.plain):
            assert text.count("？") == 1, text
            assert text.endswith("？")
        assert "？" not in item.keys
        assert re.search(r"请按1号键[，；].*请按2号键。$", item.keys)
        assert len(item.plain) <= len(item.text) + 8
        assert item.code and item.expect and item.phrases


def test_a_chat_never_speaks_of_keys_or_of_hanging_up() -> None:
    script = render(policy(), way="chat")
    for id in REQUIRED - DYNAMIC - {"R_keys"}:
        assert not re.search("键盘|挂机|录音|按0", script.clauses[id].text), id


def test_a_severe_item_is_one_whose_problem_is_severe() -> None:
    script = render(policy("unit_linked"))
    severe = {id for id in script.items if script.clauses[id].severe}
    assert severe == {"B1", "B2", "NT1", "NT2", "NT3", "UL3", "C1", "C1t", "C3", "C3a"}


def asked(p: Policy) -> set[str]:
    return set(render(p).items)


@pytest.mark.parametrize("p", examples(), ids=lambda p: p.product)
def test_items_follow_the_product(p: Policy) -> None:
    items = asked(p)
    assert set(BASE) <= items
    groups = {
        "PA": p.product == "participating",
        "UN": p.product == "universal",
        "UL": p.product == "unit_linked",
        "NT": p.product in {"participating", "universal", "unit_linked"},
        "HE": p.product == "health",
    }
    for prefix, wanted in groups.items():
        assert any(id.startswith(prefix) for id in items) is wanted, prefix
    assert ("B8" in items, "B8s" in items) == (p.payment == "regular", p.payment == "single")
    assert ("B2i" in items) == (p.holder != p.insured)


HEALTH = {"medical": True, "guaranteed_renewal": True, "renewal_period": "6年"}


@pytest.mark.parametrize(
    ("p", "there", "absent"),
    [
        (policy("participating", declaration=True), "NT3", ""),
        (policy("participating", declaration=False), "", "NT3"),
        (policy("health", **HEALTH), "HE2", "HE2n"),
        (policy("health", medical=True, guaranteed_renewal=False), "HE2n", "HE2"),
        (policy("health", medical=False, guaranteed_renewal=None), "HE1 HE5", "HE2 HE2n"),
        (policy("health", reimbursement=False), "", "HE3"),
        (policy("health", designated_hospital=False, hospitals=None), "", "HE4"),
        (policy(replacement=True), "C2 C2r", ""),
        (policy(replacement=False), "", "C2 C2r"),
    ],
)
def test_items_follow_the_policy(p: Policy, there: str, absent: str) -> None:
    assert set(there.split()) <= asked(p)
    assert not set(absent.split()) & asked(p)


BORN_YOUNG, BORN_59, BORN_60 = date(1990, 1, 1), date(1966, 11, 4), date(1966, 11, 3)


@pytest.mark.parametrize(
    ("wanted", "recorded", "channel", "term", "born", "product"),
    [
        (True, True, "online", "1年", BORN_YOUNG, "ordinary"),
        (True, False, "bank", "20年", BORN_YOUNG, "ordinary"),
        (False, False, "bank", "1年", BORN_YOUNG, "ordinary"),
        (False, False, "agent", "20年", BORN_YOUNG, "ordinary"),
        (True, False, "agent", "20年", BORN_60, "ordinary"),
        (False, False, "agent", "20年", BORN_59, "ordinary"),
        (False, False, "agent", "1年", BORN_60, "ordinary"),
        (False, False, "phone", "20年", BORN_60, "ordinary"),
        (True, False, "broker", "1年", BORN_YOUNG, "unit_linked"),
        (False, False, "online", "20年", BORN_YOUNG, "unit_linked"),
    ],
)
def test_dual_recording_is_asked_where_the_rule_wants_it(
    wanted: bool, recorded: bool, channel: str, term: str, born: date, product: str
) -> None:
    p = policy(
        product,
        applied_on=date(2026, 11, 3),
        dual_record=recorded,
        channel=channel,
        term=term,
        birth_date=born,
    )
    assert ("C1" in asked(p), "C1t" in asked(p)) == (wanted, wanted)


def test_items_come_in_the_order_of_the_file() -> None:
    order = [m[1] for m in re.finditer(r"^  ([A-Z]+\d+[a-z]?):", SOURCE, re.M)]
    for p in examples():
        places = [order.index(id) for id in render(p).items]
        assert all(a < b for a, b in pairwise(places))


def test_says_dates_money_and_tails_as_the_policy_has_them() -> None:
    script = render(policy())
    assert "2026年11月3日" in script.clauses["B1"].text
    assert "尾号是1018。" in script.clauses["B1"].text
    assert "年交，每年交12000元，一共交10年" in script.clauses["B8"].text
    assert "从2026年11月11日开始，一共15天，到2026年11月25日为止" in script.clauses["B9"].text
    assert "每月交1500.5元" in render(policy("universal")).clauses["B8"].text
    assert "每年1.75%" in render(policy("universal")).clauses["UN2"].text


def test_before_identity_nothing_but_surname_and_title_is_said() -> None:
    p = policy()
    script = render(p)
    assert script.clauses["I1"].text == "请问您是张女士本人吗？"
    private = [getattr(p, name) for name in FIELDS if name not in {"surname", "title"}]
    private = [str(value) for value in private if isinstance(value, str) and len(value) > 1]
    for id in [id for id in REQUIRED if id[0] in "OI"] + ["N_bye", "H_identity", "G_bye"]:
        for text in script.clauses[id].forms().values():
            assert p.holder not in text
            assert not any(value in text for value in private)


@pytest.mark.parametrize("p", examples(), ids=lambda p: p.product)
def test_never_reads_out_what_the_policyholder_has_to_state(p: Policy) -> None:
    born = p.birth_date
    for text in everything(p):
        assert p.id_last4 not in text
        assert f"{born.year}年{born.month}月{born.day}日" not in text


def test_neither_persuades_nor_markets() -> None:
    for p in examples():
        for text in everything(p):
            assert not re.search(
                "推荐|划算|优惠|恭喜|值得|建议您|不建议|最好不要|收益高|放心", text
            )


def test_disclosures_and_farewells_cannot_be_interrupted() -> None:
    script = render(policy())
    firm = {id for id in REQUIRED if not script.interruptible(id)}
    assert {"O1", "O2", "O3", "K_booked", "N_bye", "G_bye", "Z_clean", "Z_problem", "Z2"} <= firm
    assert {id for id in REQUIRED if id.startswith("H_")} <= firm
    assert all(script.interruptible(id) for id in script.items)


def test_dynamic_clauses_are_filled_and_nothing_else_is() -> None:
    script = render(policy())
    assert script.dynamic == DYNAMIC
    assert not DYNAMIC & script.clauses.keys()
    assert "明天下午三点" in script.fill("K_booked", slot="明天下午三点").text
    assert "两条还要再核实" in script.fill("Z_problem", total=16, problems=2).text
    assert script.fill("B1", total=16) is script.clauses["B1"]
    with pytest.raises(MissingField):
        script.fill("K_booked")
    with pytest.raises(TypeError):
        script.fill("K_booked", when="x")


def test_elders_get_more_patience() -> None:
    young, old = (render(policy(), today=date(year, 6, 1)) for year in (2013, 2014))
    assert (young.elder, old.elder) == (False, True)
    assert old.clauses["B1"].patience_s == 1.5 * young.clauses["B1"].patience_s
    assert young.clauses["I2"].patience_s > young.clauses["B1"].patience_s


def test_hashes_name_the_words_and_the_file() -> None:
    script = render(policy())
    assert script.sha256 == hashlib.sha256(SOURCE.encode()).hexdigest()
    for clause in script.clauses.values():
        assert clause.sha256 == hashlib.sha256(clause.text.encode()).hexdigest()


def test_the_same_policy_gives_the_same_words_on_any_day() -> None:
    early, late = (render(policy(), today=date(year, 12, 31)) for year in (2026, 2031))
    assert early.clauses == late.clauses


def test_texts_to_render_in_advance_are_all_words_each_once() -> None:
    for p in examples():
        script = render(p)
        fixed, own = script.fixed_texts(), script.policy_texts()
        assert len(set(fixed + own)) == len(fixed + own)
        spoken = {text for c in script.clauses.values() for text in c.forms().values()}
        assert spoken == set(fixed + own)
    one, other = render(policy()), render(policy(product_name="另一份保险", surrender_fee="无"))
    assert one.fixed_texts() == other.fixed_texts()
    assert one.policy_texts() != other.policy_texts()


def test_what_an_elder_surely_hears_is_rendered_first() -> None:
    script = render(policy())
    assert script.elder
    own = script.policy_texts()
    assert own.index(script.clauses["B9"].plain) < own.index(script.clauses["B1"].keys)


def test_a_missing_field_names_column_and_clause() -> None:
    with pytest.raises(MissingField, match=r"column coverage .* clause B5") as caught:
        render(policy(coverage=None))
    assert (caught.value.column, caught.value.clause) == ("coverage", "B5")


def test_an_item_is_never_left_out_because_nobody_knew() -> None:
    with pytest.raises(MissingField, match="replacement"):
        applies({"replacement": True}, policy(replacement=None), "C2")


FAULTS = [
    ("{surname}{title}本人吗", "{surname}{titel}本人吗", "I1.text: unknown field {titel}"),
    ("{applied_on:date}投保", "{applied_on}投保", "B1.text: {applied_on} needs one of"),
    ("{applied_on:date}投保", "{applied_on:money}投保", "B1.text: {applied_on} needs one of"),
    ("本人购买的吗？", "本人购买的吗？}", "B1.text: a brace"),
    ("when: {payment: single}", "when: {payment: monthly}", "B8s.when: payment:"),
    ("when: {payment: single}", "when: {paymant: single}", "B8s.when: unknown condition paymant"),
    ("code: P07_PREMIUM", "code: P77", "unknown problem code P77"),
    ("terms: [cash_value]", "terms: [cash]", "not in the glossary: cash"),
    ("phrases: convenient", "phrases: nice", "unknown phrase list nice"),
    ("  A_ok:", "  A_okay:", "clauses missing: A_ok"),
    ("patience_s: 9", "patience_s: 90", "I2.patience_s"),
    ('expect: "no"', "expect: no", "Z1.expect"),
    ("interruptible: false", "interuptible: false", "O1.interuptible"),
    ("  B10:", "  B9:", "B9 is given twice"),
    ("seconds_per_item: 15", "seconds_per_item: [", "expected"),
    ("number: premium_years", "number: premium", "check: number: one of cooling_off_days,"),
    ("number: premium_years", "number: years", "check: number: one of"),
    ("      number: premium_years\n", "", "B8.check: needs one of number, amount, date, choice"),
    ("date: received_on", "date: received_on\n      amount: premium", "B3d.check: needs one of"),
    ("      units: [年]\n", "", "B8.check: units belong to a number"),
    ("          right: true\n", "", "one of the two options is right"),
    ("say: [一样多,", "say: [一样多, 可能少,", "something is said for both options"),
    ("      ask: doubt", "      ask: sometimes", "B3d.check.ask"),
    (
        "      explain: 按我们的登记，合同是{received_on:date}签收的。\n",
        "",
        "needs plain, keys and",
    ),
    ("您一共要交几年？\n      keys", "交{first}吗？\n      keys", "are for the keys of a check"),
    ("  Q_again:", "  B8q:", "clauses missing: Q_again"),
    (
        "  Q_again:",
        "  B8q: {text: 你好。, source: D}\n  Q_again:",
        "comprehension question is taken",
    ),
    ("care:\n  age: 65", "care:\n  age: old", "care.age"),
    ("asks: [bought]", "asks: [purchase]", "items.B1.asks.0"),
    ("    asks: [bought]\n", "", "item B1: asks belongs to an expected yes"),
]


@pytest.mark.parametrize(("right", "wrong", "message"), FAULTS)
def test_a_fault_in_the_file_is_named_with_its_line(right: str, wrong: str, message: str) -> None:
    assert right in SOURCE
    with pytest.raises(ConfigError) as caught:
        questionnaire.parse(SOURCE.replace(right, wrong, 1).encode(), "q.yml")
    assert message in str(caught.value)
    assert re.match(r"q\.yml:\d+: ", str(caught.value))


def test_only_a_yes_can_be_checked() -> None:
    check = SOURCE[SOURCE.index("    check:\n") : SOURCE.index("  B4:\n")]
    end = SOURCE.index("  NT3:")
    broken = SOURCE[:end] + check + SOURCE[end:]
    with pytest.raises(ConfigError, match="item NT2: only a yes can be checked"):
        questionnaire.parse(broken.encode(), "q.yml")


def test_what_only_a_check_speaks_of_is_missed_at_import() -> None:
    """The waiting days are struck from every wording of HE1; its question still needs them."""
    silent = questionnaire.parse(SOURCE.replace("{waiting_days}", "若干").encode(), "q.yml")
    (gap,) = silent.missing(policy("health", waiting_days=None))
    assert (gap.column, gap.clause) == ("waiting_days", "HE1q")


def test_the_line_named_is_the_line_of_the_fault() -> None:
    broken = SOURCE.replace("{surname}{title}本人吗", "{nobody}本人吗", 1)
    line = next(n for n, text in enumerate(broken.splitlines(), 1) if "{nobody}" in text)
    with pytest.raises(ConfigError, match=f"q.yml:{line}: clauses.I1.text"):
        questionnaire.parse(broken.encode(), "q.yml")


@pytest.mark.parametrize("version", ["zh-1999.1", "../zh-2026.1", "", "zh-2026.1.yml"])
def test_an_unknown_version_says_which_there_are(version: str) -> None:
    with pytest.raises(ConfigError, match=VERSION):
        questionnaire.load(version)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[]", b"- 1", b"version: x"])
def test_no_questionnaire_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigError):
        questionnaire.parse(data, "q.yml")


def test_values_are_never_taken_for_templates() -> None:
    assert parse("{insured}", FIELDS).render({"insured": "{premium}"}, "B2i") == "{premium}"
