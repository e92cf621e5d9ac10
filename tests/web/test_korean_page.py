"""A whole callback in Korean on the real page: real Rasa, real store, real translation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bot.callbacks import Callbacks, Conversations
from bot.dialogue.client import Dialogue
from bot.evidence.verify import verify_store
from bot.humans.handoff import HumanDesk
from bot.parts import open_voice
from bot.questionnaires import translation
from bot.settings import Settings
from bot.store import Store
from bot.web import chatline
from tests.conftest import POLICY, SteppingClock
from tests.web.serving import page_of, says, screenshot, serve, types_into

pytestmark = [
    pytest.mark.browser,
    pytest.mark.rasa,
    pytest.mark.models,
    pytest.mark.asyncio(loop_scope="session"),
]

VERSION = "ko-2026.1"
KOREAN = {
    "language": "ko",
    "coverage": "사망 또는 전신 장해가 되면 계약에서 정한 보험금을 지급",
    "exclusions": "보험계약자의 고의, 고의적인 범죄, 2년 이내의 자살, 음주 운전",
}


types = partial(types_into, label="대답 입력")


@dataclass
class Office:
    url: str
    token: str
    callback: str
    store: Store
    callbacks: Callbacks
    desk: HumanDesk

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [e.body for e in self.store.events(self.callback) if e.kind == kind]


@pytest_asyncio.fixture(loop_scope="session")
async def office(
    settings: Settings, store: Store, dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    monkeypatch.setattr(chatline, "RATE", 100.0)  # a test types faster than a person may
    signed = f"{VERSION}@{translation.load(VERSION).sha256[:12]}"
    settings = settings.model_copy(update={"translations": signed})
    callbacks = Callbacks(settings, store, clock=SteppingClock())
    store.save_policies([replace(store.policy(POLICY), **KOREAN)])
    desk = HumanDesk(Conversations(callbacks, dialogue), open_voice(settings))
    callbacks.on_event = desk.on_event
    callback = callbacks.open(POLICY, "chat")
    async with serve(desk) as url:
        yield Office(url, store.token_for(callback), callback, store, callbacks, desk)


async def presses(page: Page, button: str) -> None:
    found = page.get_by_role("button", name=button, exact=True)
    await expect(found).to_have_attribute("aria-disabled", "false")
    await found.click()


async def to_the_first_item(page: Page, office: Office) -> None:
    await page.goto(f"{office.url}/chat#t={office.token}")
    await says(page, "지금 시간이 괜찮으십니까?")
    await presses(page, "예")
    await says(page, "님 본인이십니까?")
    await presses(page, "예")
    await says(page, "생년월일")
    await types(page, "1979년 4월 25일")
    await says(page, "고객님 본인이 가입하신 것입니까?")


COMPREHENSION = {"몇 년 동안": "15년", "며칠입니까": "15일", "낸 돈보다 적을 수 있으면 2": "2"}


async def test_a_whole_callback_in_korean(browser: Browser, office: Office) -> None:
    async with page_of(browser, 390, 844) as chat:
        await to_the_first_item(chat, office)
        assert await chat.evaluate("document.documentElement.lang") == "ko"
        await types(chat, "네, 그런 것 같기도 하고요")  # not in the table: no yes
        await says(chat, "본인이 직접 가입하셨습니까?")
        assert office.events("answered") == []
        await screenshot(chat, "chat-korean")
        await _answer_everything(chat)
        await presses(chat, "아니요")
        await expect(chat.locator("#owner")).to_contain_text("이번 확인 대화가 끝났습니다")
        left = await chat.evaluate(CHINESE_LEFT)
    assert left == []
    answers = office.events("answered")
    assert len(answers) == 16
    assert all(body["as_expected"] for body in answers), answers
    (called,) = office.events("called")
    assert (called["language"], called["questionnaire"]) == ("ko", VERSION)
    assert called["questionnaire_sha256"] == translation.load(VERSION).sha256
    assert office.events("created")[0]["questionnaire"] == VERSION
    (refused,) = [body for body in office.events("heard") if not body.get("read_as", "x")]
    assert refused["text"].startswith("네, 그런") and refused["answer"] == "unclear"
    assert {body["text"] for body in answers} == {"예", "네"}
    assert "고객님 본인이 가입하신 것입니까?" in office.events("asked")[3]["text"]
    assert office.events("closed")[0]["state"] == "COMPLETED_CLEAN"
    (report,) = verify_store(office.store)
    assert report.integrity and not report.missing, str(report)


CHINESE_LEFT = """() => {
  const han = /[\\u4e00-\\u9fff]/, left = [];
  const walker = document.createTreeWalker(document.querySelector("body"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (parent.closest("noscript, .bubble:not(.note) .words, .company")) continue;
    if (!parent.offsetParent) continue;
    if (han.test(walker.currentNode.data)) left.push(walker.currentNode.data.trim());
  }
  for (const element of document.querySelectorAll("[aria-label], [placeholder]")) {
    const said = (element.ariaLabel ?? "") + (element.placeholder ?? "");
    if (element.offsetParent && han.test(said)) left.push(said);
  }
  return left;
}"""


async def _answer_everything(chat: Page) -> None:
    """예 by button and by word in turn, comprehension as the contract has it."""
    last = chat.locator(".bubble.bot .words").last
    seen = ""
    for turn in range(60):
        await expect(last).not_to_have_text(seen)
        asked = seen = await last.inner_text()
        if "더 궁금하신 점이 있어" in asked:
            return
        answer = next((a for words, a in COMPREHENSION.items() if words in asked), None)
        if answer is None and "말한 사람이 있습니까?" in asked:
            answer = "아니요"
        if answer is None and turn % 2:
            await presses(chat, "예")
        else:
            await types(chat, answer or "네")
        await expect(chat.locator(".bubble.caller")).to_have_count(turn + 5)
    raise AssertionError("the questionnaire does not end")


async def test_who_is_not_let_in_or_comes_again_reads_korean(
    browser: Browser, office: Office
) -> None:
    async with page_of(browser) as chat:
        office.callbacks.serve(office.callback)  # as on the telephone
        await chat.goto(f"{office.url}/chat#t={office.token}")
        await expect(chat.locator("#connection")).to_contain_text("지금 전화나 다른 페이지에서")
        assert await chat.evaluate(CHINESE_LEFT) == []
        office.callbacks.leave(office.callback)
        await says(chat, "지금 시간이 괜찮으십니까?")
    async with page_of(browser) as again:
        await again.goto(f"{office.url}/chat#t={office.token}")
        await expect(again.locator(".bubble.note .words")).to_contain_text("이전 대답은 모두")
        assert await again.evaluate(CHINESE_LEFT) == []
        await types(again, "清楚")  # Mandarin is understood as well
        await expect(again.locator(".bubble.caller .words")).to_have_text("清楚")
        office.desk._chats.get(office.callback).line._peer.close("test")  # type: ignore[union-attr]
        await expect(again.locator("#connection")).to_contain_text("다시 연결하고 있습니다")
        await expect(again.locator("#connection")).to_be_empty()
        await expect(again.locator(".bubble.caller .words")).to_have_text("清楚")


async def test_a_human_is_one_korean_word_away(browser: Browser, office: Office) -> None:
    async with page_of(browser) as chat:
        await to_the_first_item(chat, office)
        await types(chat, "상담원 좀 연결해 주세요")
        await expect(chat.locator("#owner")).to_contain_text("상담원을 연결하고 있습니다")
        await expect(chat.get_by_text("상담원 연결됨")).to_be_visible()
    (handed,) = office.events("handed_over")
    assert handed["reason"] == "request"
    assert office.events("answered") == []
