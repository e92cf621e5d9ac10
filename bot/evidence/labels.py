"""Chinese names of everything a record shows to an inspector."""

from __future__ import annotations

from collections.abc import Mapping

STATES: Mapping[str, str] = {
    "CREATED": "已创建",
    "WAIT_RECEIPT": "等待回执",
    "READY": "待回访",
    "IN_PROGRESS": "回访中",
    "COMPLETED_CLEAN": "已完成（成功件）",
    "COMPLETED_PROBLEM": "已完成（问题件）",
    "INCOMPLETE": "未完成（通话中断）",
    "HUMAN": "已转人工",
    "NOT_ME": "非本人接听，已停止",
    "MANUAL": "转人工回访",
    "LETTER": "信函回访",
    "VISIT": "上门回访",
    "FAILED": "回访失败",
    "CANCELLED": "已取消（犹豫期内退保）",
}

ANSWERS: Mapping[str, str] = {"yes": "是", "no": "否", "unclear": "未明确"}
FORMS: Mapping[str, str] = {"full": "原文", "plain": "通俗说法", "keys": "按键提示"}
LINES: Mapping[str, str] = {"phone": "电话", "chat": "在线文字"}
VIAS: Mapping[str, str] = {"voice": "语音", "text": "文字", "key": "按键", "button": "按钮"}

CHECKS: Mapping[str, str] = {
    "right": "✓ 与合同一致",
    "wrong": "✗ 与合同不一致",
    "unclear": "○ 不明确",
}

KINDS: Mapping[str, str] = {
    "created": "创建回访",
    "dialled": "拨号",
    "dial_ended": "拨号结果",
    "returned": "无人接听，转回机器人",
    "called": "接通",
    "resumed": "继续未完成的回访",
    "said": "播报",
    "asked": "提问",
    "explained": "解释",
    "played": "播放完毕",
    "heard": "听到",
    "checked": "核对理解",
    "answered": "确认回答",
    "identity": "核实身份",
    "flagged": "质检标记",
    "pace": "调整语速或音量",
    "waited": "应客户要求等候",
    "silence": "无人应答",
    "handed_over": "转人工",
    "taken": "人工接手",
    "agent_said": "人工客服",
    "given_back": "交还机器人",
    "rescheduled": "预约再次联系",
    "failed": "系统故障",
    "closed": "结束",
    "audio": "录音归档",
    "viewed": "人员查看",
    "exported": "导出",
    "settled": "人工处理结果",
    "held": "因争议暂缓销毁",
    "released": "解除暂缓销毁",
    "erased": "内容已销毁",
}

FIELDS: Mapping[str, str] = {
    "number": "保单号",
    "holder": "投保人",
    "insured": "被保险人",
    "product_name": "产品名称",
    "applied_on": "投保日期",
    "received_on": "签收日期",
    "cooling_off_days": "犹豫期（天）",
    "term": "保险期间",
    "premium": "保险费（元）",
    "premium_years": "交费年数",
}
"""The policy facts the page shows; identity numbers and phone numbers are not among them."""
