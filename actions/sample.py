"""A made-up conversation for `rasa shell`, where no application gives questionnaire or wording.

In production a conversation begins with the application's items and acts carry clause ids only;
the wording that counts is in bot/questionnaires.
"""

from __future__ import annotations

from actions.state import State
from bot.dialogue.protocol import (
    Act,
    Ask,
    Check,
    Close,
    Explain,
    Handoff,
    Item,
    Reschedule,
    Say,
    Verify,
)

ITEMS = (
    Item("B1", severe=True, code="P02_NOT_PURCHASED"),
    Item("B9", code="P08_COOLING_OFF", check="B9q", must_check=True),
    Item("NT2", expect="no", severe=True, code="P13_MISSELLING"),
)

TEXTS = {
    "O1": "您好，这里是示例人寿客户服务，我是智能语音助手，本次通话语音由人工智能合成。",
    "O2": "为保障您的权益，本次通话全程录音。",
    "O3": "您随时可以说“转人工”或按0，由人工客服为您办理。",
    "O_resume": "上次的回访还没有做完，这次接着往下做。",
    "O4": "现在方便接听吗？大约需要三分钟。",
    "I1": "请问您是投保人王女士本人吗？",
    "I2": "请您报一下您的出生年月日，或者证件号码后四位。",
    "I2_retry": "没有核对上，请您再报一次出生年月日，或者证件号码后四位。",
    "I_fail": "抱歉，几次都没有核对上。",
    "I_ok": "好的，身份已核实。",
    "T_items": "下面有三个问题，每个问题请回答清楚或者不清楚，也可以按1或2。",
    "B1": "您投保了一份示例终身寿险，这份保险是您本人购买的吗？",
    "B9": "犹豫期一共十五天，期间您可以解除合同，公司按约定退还保费。您清楚吗？",
    "B9q": "跟您核对一下，犹豫期一共是多少天？",
    "NT2": "有没有人向您承诺保本或固定收益，或者说这是存款、理财？",
    "A_ok": "好的。",
    "A_noted": "好的，已记下，会有同事与您联系说明。",
    "R_unclear": "不好意思，没有听明白。",
    "R_keys": "是，请按1；不是，请按2。",
    "Q_again": "没关系，我按合同再跟您说一遍。",
    "R_full": "请您听完这一条再回答。",
    "R_unclear_done": "这一条我先记为不清楚。",
    "S_1": "您好，您还在听吗？",
    "S_2": "我没有听到您的声音。",
    "H_offer": "需要为您转人工客服吗？",
    "H_now": "好的，马上为您转接人工客服，请稍候。",
    "H_severe": "您反映的情况很重要，马上为您转接人工客服。",
    "H_misled": "如果销售时有人误导了您，您有权要求解除合同。马上为您转接人工客服。",
    "H_complaint": "好的，马上为您转接人工客服处理。",
    "H_coached": "请您按自己的真实情况回答。马上为您转接人工客服。",
    "H_identity": "接下来请人工客服为您核对身份。",
    "K_when": "那您什么时候方便？我们到时再打给您。",
    "K_retry": "没有听清时间，请再说一次，比如明天下午三点。",
    "K_booked": "好的，我们会在约定的时间再打给您。再见。",
    "N_bye": "不好意思，打扰了。再见。",
    "P_slower": "好的，我说慢一点。",
    "P_louder": "好的，我大声一点。",
    "W_ok": "好的，您先忙，我等您。",
    "E_none": "这个问题需要人工客服为您解答。",
    "G_bye": "好的，回访还没有做完，我们会再联系您。再见。",
    "Z1": "您还有疑问吗？需要我转人工为您解释吗？",
    "Z_clean": "回访的问题都已确认。",
    "Z_problem": "回访的问题都已记录，有疑问的地方会有同事与您联系。",
    "Z2": "如需咨询或投诉，请拨打客服电话。感谢接听。",
}
EXPLAINED = "犹豫期是给您再考虑的时间：在这十五天里解除合同，公司退还您交的保费。"


def state() -> State:
    """What the first message in `rasa shell` begins with."""
    return State(items=ITEMS, sample=True)


def wording(act: Act) -> str | None:
    """What a person at `rasa shell` reads beside the act; bracketed: what the application does."""
    match act:
        case Say() | Ask():
            return TEXTS[act.clause]
        case Explain():
            return (
                EXPLAINED if act.clause in {"B9", "B9q"} else "（没有解释：请输入 /no_explanation）"
            )
        case Verify():
            return "（应用核对身份：请输入 /identity_ok、/identity_wrong 或 /identity_unheard）"
        case Check():
            return "（应用核对合同：请输入 /check_right、/check_wrong 或 /check_unclear）"
        case Reschedule():
            return "（应用预约时间：请输入 /time_booked 或 /time_unheard）"
        case Handoff():
            return "（由人工接手；/resume 表示人工交还）"
        case Close():
            return "（通话结束）"
        case _:
            return None
