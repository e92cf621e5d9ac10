"""A translation is whole, says what the Mandarin says, and is used only when it was signed off."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from bot.answers import times
from bot.chats import chats
from bot.chats.chat import BROKEN
from bot.cli import doctor
from bot.errors import ConfigError, ServedElsewhere
from bot.policies.policy import Policy
from bot.questionnaires import questionnaire, translation
from bot.questionnaires.script import Script
from bot.web import chat as chat_page
from bot.web import chatline
from tests.unit.policies import TODAY, examples, policy, render

VERSION = "ko-2026.1"
FILES = {name: (translation.FOLDER / VERSION / name).read_bytes() for name in translation.FILES}
NO_TOKEN = "请从短信或保险公司 App 中的回访链接打开本页面，或拨打客服热线 ${hotline}。"
HAN = re.compile("[\u4e00-\u9fff]")
WORDS = (
    "coverage exclusions initial_fee policy_fee risk_charge surrender_fee bid_offer asset_fee "
    "holder_risk product_risk waiting_rule renewal_period hospitals"
).split()
STATIC = Path(translation.__file__).parent.parent / "web"


def korean(p: Policy) -> Policy:
    """The same policy with the insurer's words in Korean."""
    given = {name: "계약서에 적힌 내용" for name in WORDS if getattr(p, name)}
    return replace(p, language="ko", **given)


def render_korean(p: Policy) -> Script:
    return translation.load(VERSION).questions.render(
        p, company="회사", hotline="95500", today=TODAY, elder_age=60, way="chat"
    )


@pytest.mark.parametrize("p", examples(), ids=lambda p: p.product)
def test_the_same_is_asked_under_the_same_rules(p: Policy) -> None:
    ours, theirs = render(korean(p), way="chat"), render_korean(korean(p))
    assert ours.items == theirs.items
    assert ours.clauses.keys() == theirs.clauses.keys()
    for id, clause in ours.clauses.items():
        other = theirs.clauses[id]
        for name in ("expect", "code", "severe", "source", "check", "must_check", "checks"):
            assert getattr(other, name) == getattr(clause, name), (id, name)
        if clause.expects and other.expects:
            assert other.expects.right == clause.expects.right
            assert other.expects.kind == clause.expects.kind
        assert bool(clause.explain) == bool(other.explain), id


@pytest.mark.parametrize("p", examples(), ids=lambda p: p.product)
def test_every_word_is_korean_but_names_and_terms_of_law_in_brackets(p: Policy) -> None:
    p = korean(p)
    script = render_korean(p)
    filled = [
        script.fill(id, slot=script.slot(datetime(2026, 11, 23, 15), datetime(2026, 11, 22)),
                    total=15, problems=2)
        for id in script.dynamic
    ]  # fmt: skip
    for clause in [*script.clauses.values(), *filled]:
        for text in clause.forms().values():
            rest = re.sub(r"\([^()]*\)|《[^》]*》", "", text)
            for name in (p.insured, p.surname):
                rest = rest.replace(name, "")
            assert not HAN.search(rest), text
            assert not re.search(r"[{}]|None|  |\?\.|\.\.", text), text
            assert text[-1] in ".?", text


@pytest.mark.parametrize("p", examples(), ids=lambda p: p.product)
def test_every_value_of_the_mandarin_is_in_the_korean(p: Policy) -> None:
    """Amounts, dates and numbers, digit by digit."""
    p = korean(p)
    ours, theirs = render(p, way="chat"), render_korean(p)
    for id in ours.items:
        for form in ("text", "plain"):
            mandarin, other = (getattr(s.clauses[id], form) for s in (ours, theirs))
            wanted = set(re.findall(r"\d+(?:\.\d+)?", mandarin))
            assert wanted <= set(re.findall(r"\d+(?:\.\d+)?", other)), (id, form)


def test_comprehension_names_both_options_by_number() -> None:
    for p in examples():
        script = render_korean(korean(p))
        for clause in script.clauses.values():
            if not clause.expects:
                continue
            assert re.search(r"면 1, .*면 2", clause.keys), clause.id
            if clause.expects.kind == "choice":
                assert re.search(r"면 1, .*면 2", clause.text), clause.id


def test_a_policy_fits_when_the_insurers_own_words_are_korean() -> None:
    ours = translation.load(VERSION)
    assert not ours.fits(replace(policy(), language="ko"))
    assert ours.fits(korean(policy()))
    assert ours.fits(korean(policy("health", renewal_period="6年")))
    half = replace(korean(policy()), exclusions="故意犯罪")
    assert not ours.fits(half)


FAULTS = [
    ("questions.yml", "  A_ok:\n    text: 알겠습니다.\n", "", "clauses: missing: A_ok"),
    ("questions.yml", "  C3a:", "  C3b:", "items: missing: C3a"),
    ("questions.yml", "  bonus:", "  bonuses:", "glossary: missing: bonus"),
    (
        "questions.yml",
        "    plain: 보험 계약서를 받으셨습니까?\n",
        "",
        "B3: missing: plain",
    ),
    ("questions.yml", "모두 {cooling_off_days}일, {cooling", "모두 {cooling", "B9.text: values"),
    ("questions.yml", "{first}이면 1, {second}이면 2", "1이나 2", "B3d.check.keys: values"),
    ("questions.yml", "of_sha256: ", "of_sha256: 0", "have the translation reviewed"),
    ("questions.yml", "of: zh-2026.1", "of: zh-2026.9", "no questionnaire"),
    ("questions.yml", "{minutes}분", "{minute}분", "unknown field {minute}"),
    ("questions.yml", "say: [똑같다,", "say: [똑 같다,", "no spaces"),
    ("questions.yml", "say: [똑같다,", "say: [똑같다, 적을수있다,", "said for both options"),
    ("answers.yml", "  是: [예, 네]", "  对: [예, 네]", "means: only"),
    ("answers.yml", "  不是: [아니요,", "  不是: [아니요, 네,", "two meanings for 네"),
    ("answers.yml", '"yes": 예', '"yes": 좋아요', "must mean 是"),
    ("answers.yml", "human: [상담원, 상담사]", "human: [상담사]", "must ask for a human"),
    ("answers.yml", "language: ko", "language: xx", "language: xx"),
    ("answers.yml", 'letters: "', 'letters: "z-a', "regex class"),
    ("page.yml", "words:", "word:", "page.yml"),
]


@pytest.mark.parametrize(("name", "right", "wrong", "message"), FAULTS)
def test_a_fault_in_a_translation_is_named(name: str, right: str, wrong: str, message: str) -> None:
    source = FILES[name].decode()
    assert right in source
    broken = {**FILES, name: source.replace(right, wrong, 1).encode()}
    with pytest.raises(ConfigError, match=re.escape(message)):
        translation.parse(broken, VERSION)


def test_every_clause_of_the_mandarin_has_to_be_there() -> None:
    """One after the other is struck: each time the translation is refused, by its name."""
    source = FILES["questions.yml"].decode()
    base = questionnaire.load("zh-2026.1").document
    for id in [*base.clauses, *base.items]:
        struck = re.sub(rf"(?m)^  {id}:\n(?:    .*\n)+", "", source)
        assert struck != source, id
        with pytest.raises(ConfigError, match=rf"missing: {id}\b"):
            translation.parse({**FILES, "questions.yml": struck.encode()}, VERSION)


def test_only_what_was_signed_off_is_used() -> None:
    digest = translation.load(VERSION).sha256
    assert translation.signed_off("") == {}
    assert translation.signed_off(f" {VERSION}@{digest[:12]} ").keys() == {"ko"}
    for setting in (VERSION, f"{VERSION}@", f"{VERSION}@{digest[:6]}", f"{VERSION}@{'0' * 64}"):
        with pytest.raises(ConfigError, match=digest[:12]):
            translation.signed_off(setting)
    with pytest.raises(ConfigError, match=VERSION):
        translation.signed_off("ko-1999.1@000000000000")


def test_doctor_shows_the_hash_to_sign() -> None:
    shown = f"{VERSION}@{translation.load(VERSION).sha256[:12]}"
    assert doctor._translations("").startswith(f"{shown} not in use until signed off")
    assert doctor._translations(shown) == f"{shown} in use"


def test_a_time_is_understood_and_read_back() -> None:
    now = datetime(2026, 11, 23, 10)
    when = times.parse_when(translation.load(VERSION).foreign.read("내일 오후 3시 반"), now)
    assert when == datetime(2026, 11, 24, 15, 30)
    script = render_korean(korean(policy()))
    booked = script.fill("K_booked", slot=script.slot(when, now)).text
    assert "2026년 11월 24일 15시 30분" in booked


def test_another_word_is_another_hash() -> None:
    changed = FILES["answers.yml"].replace("예, 네".encode(), "예, 네, 넵".encode())
    other = translation.parse({**FILES, "answers.yml": changed}, VERSION)
    assert other.sha256 != translation.load(VERSION).sha256


def test_the_page_has_every_word_of_its_own_and_no_other() -> None:
    """Every Mandarin string of the chat page; its read-aloud is not there in another language."""
    page = (STATIC / "pages" / "chat.html").read_text("utf-8")
    body = re.sub(r"<noscript>.*?</noscript>|<!--.*?-->", "", page, flags=re.S)
    texts = re.findall(r">([^<>]+)<", body)
    texts += re.findall(r'(?:aria-label|placeholder)="([^"]+)"', body)
    scripts = [
        re.sub(r"(?m)^\s*//.*$", "", path.read_text("utf-8"))
        for path in (STATIC / "static" / "chat").glob("*.js")
        if path.name != "reading.js"
    ]
    texts += [text for code in scripts for text in re.findall(r'"((?:[^"\\]|\\.)*)"', code)]
    unseen = {text for code in scripts for text in re.findall(r"`([^`]*)`", code)}
    own = {text.strip().replace(r"\u00a0", "\u00a0") for text in texts if HAN.search(text)}
    own = {text for text in own if "{{" not in text}
    own -= {"正在连接……", "自动朗读", "朗读"}  # before the language is known, or not shown in it
    assert {text for text in unseen if HAN.search(text)} == {NO_TOKEN}, (
        "nothing else is put together"
    )
    told = {chat_page.UNKNOWN, chat_page.TRY_AGAIN, chat_page.CANNOT, chatline.TOO_FAST, BROKEN}
    told |= {chats.EARLIER, chats.ENDED, chats.NO_LINK, chats.OLD_LINK}
    told |= {*chats.OVER.values(), str(ServedElsewhere())}
    assert set(translation.load(VERSION).foreign.page) == own | told
