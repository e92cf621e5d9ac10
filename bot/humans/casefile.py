"""What an agent is shown of a callback: built from its ledger, in the agent's language. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.evidence.ledger import Event
from bot.policies.policy import Policy
from bot.questionnaires.questionnaire import Script
from bot.store import Callback
from bot.web.desk import Answered, Case, Entry, Fact, Identity, Waiting

REASONS: Mapping[str, str] = {
    "request": "客户要求转人工",
    "key": "客户按0转人工",
    "severe": "回答涉及严重问题",
    "complaint": "客户投诉",
    "surrender": "客户有退保意愿",
    "coached": "疑似有人诱导作答",
    "identity": "身份核实未通过",
    "language": "客户常用语言不是普通话（见保单）",
    "silence": "客户多次无应答",
    "unclear": "多次未能听清回答",
    "question": "客户的问题需人工解答",
    "failure": "系统故障，已转人工",
    "booked": "无人接听，客户已预约人工回电",
    "nobody_free": "无人接听，请人工回电",
}
SEVERE = {"severe", "complaint", "surrender", "coached"}
PRODUCTS = {
    "ordinary": "普通型",
    "participating": "分红型",
    "universal": "万能型",
    "unit_linked": "投资连结型",
    "health": "健康保险",
}


def wall(event: Event) -> datetime:
    return datetime.fromisoformat(event.wall).astimezone(UTC)


def way(row: Callback, events: Sequence[Event]) -> str:
    """phone or chat: how the policyholder last talked with us. A callback that was planned for one
    goes on by the other when the policyholder opens the link, or calls."""
    called = _last(events, "called")
    return str(called.body["line"] if called else row.channel)


def waiting(
    row: Callback,
    policy: Policy,
    events: Sequence[Event],
    *,
    elder: bool,
    chatting: bool = False,
    ringing: tuple[str, ...] = (),
) -> Waiting:
    """Enough to choose whom to help first; nothing of the contract, the name masked. `chatting`:
    the policyholder is in the chat now, whatever way the callback began."""
    handed = _last(events, "handed_over")
    reason = handed.body["reason"] if handed else "failure"
    booked = _last(events, "rescheduled") if reason == "booked" else None
    return Waiting(
        callback=row.id,
        channel="chat" if chatting or way(row, events) == "chat" else "phone",
        who=policy.surname + policy.title,
        reason=REASONS.get(reason, reason) + (f"：{booked.body['slot']}" if booked else ""),
        since=wall(handed) if handed else row.updated,
        elder=elder,
        severe=reason in SEVERE,
        owner=row.owner.removeprefix("human:") if row.owner.startswith("human:") else "",
        ringing=ringing,
    )


def case(
    summary: Waiting,
    policy: Policy,
    script: Script,
    events: Sequence[Event],
    *,
    present: bool,
    finished: bool,
    chat_since: int | None = None,
) -> Case:
    """Everything needed to go on at the first open item. `chat_since`: number of the first event of
    the chat that goes on now."""
    called = _last(events, "called")
    since = chat_since if chat_since is not None else called.seq if called else 0
    answers = {e.body["item"]: e.body for e in events if e.kind == "answered"}
    checks = {e.body["item"]: e.body for e in events if e.kind == "checked"}
    return Case(
        summary=summary,
        # Of who talks now: what was proven in an earlier call says nothing of them.
        identity=_identity([event for event in events if event.seq >= since]),
        policy=_facts(policy),
        answered=tuple(
            Answered(
                item,
                script.clauses[item].text,
                answers[item]["answer"],
                answers[item]["as_expected"],
                _words(answers[item], checks.get(item)),
            )
            for item in script.items
            if item in answers
        ),
        open_items=tuple(
            Fact(item, script.clauses[item].text) for item in script.items if item not in answers
        ),
        transcript=transcript(events),
        present=present,
        finished=finished,
    )


def _words(answer: Mapping[str, Any], check: Mapping[str, Any] | None) -> str:
    """The policyholder's own words, and what became of the comprehension question."""
    words = str(answer.get("text") or "")
    return f"{words}（核对：{_checked(check)}）" if check else words


def _checked(check: Mapping[str, Any]) -> str:
    result = {"right": "与合同一致", "wrong": "与合同不一致", "unclear": "不明确"}[check["result"]]
    return f"答“{check['stated'] or '没有明确的内容'}”，合同是“{check['expected']}”，{result}"


def transcript(events: Sequence[Event]) -> tuple[Entry, ...]:
    """What was said, by whom, with what was recorded of it."""
    return tuple(entry for event in events if (entry := _entry(event)) is not None)


def _last(events: Sequence[Event], kind: str) -> Event | None:
    return next((event for event in reversed(events) if event.kind == kind), None)


def _identity(events: Sequence[Event]) -> Identity:
    results = [e.body["result"] for e in events if e.kind == "identity"]
    if "ok" in results:
        return "verified"
    return "failed" if results.count("wrong") else "unverified"


def _facts(policy: Policy) -> tuple[Fact, ...]:
    payment = f"{policy.premium}元"
    if policy.payment == "regular":
        payment += f"／{policy.premium_every}，共{policy.premium_years}年"
    return (
        Fact("投保人", policy.holder),
        Fact("联系电话", policy.phone),
        Fact("保单号尾号", policy.number[-4:]),
        Fact("产品", f"{policy.product_name}（{PRODUCTS[policy.product]}）"),
        Fact("被保险人", policy.insured),
        Fact("保费", payment),
        Fact("保险期间", policy.term),
        Fact("犹豫期", f"{policy.cooling_off_start} 至 {policy.cooling_off_end}"),
    )


def _entry(event: Event) -> Entry | None:
    at, body = wall(event), event.body
    match event.kind:
        case "said" | "asked" | "explained":
            return Entry("bot", body["text"], at, body["clause"])
        case "heard":
            words = f"［按键］{body['text']}" if body["via"] == "key" else body["text"]
            return Entry("caller", words or "（没有听清）", at)
        case "agent_said":
            return Entry("agent", body["text"], at)
        case "answered":
            answer = {"yes": "是", "no": "否", "unclear": "不明确"}[body["answer"]]
            return Entry("note", f"{body['item']} 记录为：{answer}", at)
        case "checked":
            return Entry("note", f"{body['item']} 核对：{_checked(body)}", at)
        case "identity":
            result = {"ok": "通过", "wrong": "不符", "unheard": "没有听清"}[body["result"]]
            return Entry("note", f"身份核实：{result}", at)
        case "handed_over":
            return Entry("note", f"转人工：{REASONS.get(body['reason'], body['reason'])}", at)
        case "taken":
            return Entry("note", f"人工客服 {body['agent']} 已接手", at)
        case "returned":
            return Entry("note", "无人接听，已转回智能助手", at)
        case "given_back":
            return Entry("note", "已交还智能助手", at)
        case "closed":
            return Entry("note", "本次回访结束", at)
        case _:
            return None
