"""What the dialogue does, phase by phase: the rules of stories/ with the moves of actions/."""

from __future__ import annotations

from typing import Any

import pytest

from bot.dialogue.protocol import Item
from tests.dialogue.rulebook import CHECKED, DOUBTED, WANTED_NO, Talk, intents

SPOKEN = [
    *("opening", "identity_self", "identity_secret", "items", "comprehension"),
    *("questions", "human_offer"),
]
REACHED_BY = {
    "opening": ["start"],
    "identity_self": ["start", "affirm"],
    "identity_secret": ["start", "affirm", "affirm"],
    "items": ["start", "affirm", "affirm", "inform", "identity_ok"],
    "comprehension": ["start", *("affirm", "affirm", "inform", "identity_ok"), *["affirm"] * 3],
    "questions": ["start", "affirm", "affirm", "inform", "identity_ok", "affirm", "affirm"],
    "human_offer": ["start", "silence", "silence", "silence"],
    "callback_time": ["start", "busy"],
    "handoff": ["start", "human"],
    "closing": ["start", "wrong_person"],
}


def at(phase: str) -> Talk:
    talk = Talk.fresh(CHECKED) if phase == "comprehension" else Talk.fresh()
    talk.hear(*REACHED_BY[phase])
    assert talk.state.phase == phase
    return talk


# -- opening


def test_opening_says_who_recorded_and_how_to_reach_a_human_then_asks() -> None:
    assert Talk.fresh().hear("start") == ["say O1", "say O2", "say O3", "ask O4"]


def test_elders_are_offered_a_human_first() -> None:
    assert Talk.fresh(elder=True).hear("start") == ["say O1", "say O2", "say O3_elder", "ask O4"]


def test_a_resumed_call_says_so_and_proves_identity_again() -> None:
    talk = Talk.fresh(resumed=True)
    assert talk.hear("start") == ["say O1", "say O2", "say O3", "say O_resume", "ask I1"]
    assert talk.hear("affirm") == ["ask I2"]


def test_whatever_comes_first_opens_the_conversation() -> None:
    for intent in ("other", "affirm", "repeat", "silence"):
        assert Talk.fresh().hear(intent)[-1] == "ask O4"


# -- identity


def test_identity_then_the_first_item() -> None:
    talk = Talk.fresh()
    talk.hear("start")
    assert talk.hear("affirm") == ["ask I1"]
    assert talk.hear("affirm") == ["ask I2"]
    assert talk.hear("inform") == ["verify"]
    assert talk.hear("identity_ok") == ["say I_ok", "say T_items", "ask B1"]


def test_elders_hear_the_plainer_wording_of_items() -> None:
    assert Talk.in_items(elder=True).acts[-1] == "ask B1 plain"


def test_three_tries_then_a_human_and_nothing_disclosed() -> None:
    talk = at("identity_secret")
    for result in ("identity_wrong", "identity_unheard"):
        assert talk.hear("inform") == ["verify"]
        assert talk.hear(result) == ["ask I2_retry"]
    talk.hear("deny")
    assert talk.hear("identity_wrong") == ["say I_fail", "say H_identity", "handoff identity"]


def test_somebody_else_is_told_nothing() -> None:
    assert at("identity_self").hear("deny") == ["say N_bye", "close not_me"]


@pytest.mark.parametrize("phase", [p for p in SPOKEN if p not in {"items", "identity_secret"}])
def test_a_stray_identity_ok_unlocks_nothing(phase: str) -> None:
    talk = at(phase)
    talk.hear("identity_ok")
    assert not any("B1" in act for act in talk.acts)


def test_everything_answered_earlier_leads_from_identity_to_questions() -> None:
    talk = Talk.in_items()
    talk.state = Talk.fresh(resumed=True).state.__class__(resumed=True)
    talk.hear("start", "affirm", "inform")
    assert talk.hear("identity_ok") == ["say I_ok", "ask Z1"]


# -- items


def test_an_expected_answer_is_recorded_and_the_next_item_asked_in_the_same_turn() -> None:
    talk = Talk.in_items()
    assert talk.hear("affirm", reason="plain yes") == [
        "record B1 yes plain yes",
        "say A_ok",
        "ask B9",
    ]


def test_an_unexpected_answer_is_noted() -> None:
    talk = Talk.in_items()
    talk.hear("affirm")
    assert talk.hear("deny") == ["record B9 no", "say A_noted", "ask Z1"]


def test_a_severe_answer_goes_to_a_human_at_once() -> None:
    assert Talk.in_items().hear("deny") == ["record B1 no", "say H_severe", "handoff severe"]


def test_alleged_misleading_states_the_right_to_rescind() -> None:
    talk = Talk.in_items(WANTED_NO)
    talk.hear("affirm", "affirm")
    assert talk.hear("affirm") == ["record NT2 yes", "say H_misled", "handoff severe"]


def test_no_is_the_good_answer_where_no_is_expected() -> None:
    talk = Talk.in_items(WANTED_NO)
    talk.hear("affirm", "affirm")
    assert talk.hear("deny") == ["record NT2 no", "say A_ok", "ask Z1"]
    assert talk.hear("deny")[0] == "say Z_clean"


@pytest.mark.parametrize("intent", ["hedge", "inform", "other"])
def test_not_an_answer_three_times(intent: str) -> None:
    talk = Talk.in_items()
    assert talk.hear(intent) == ["say R_unclear", "ask B1 plain"]
    assert talk.hear(intent) == ["say R_keys", "ask B1 keys"]
    assert talk.hear(intent) == ["record B1 unclear", "say R_unclear_done", "ask H_offer"]
    assert talk.hear("deny") == ["ask B9"]


def test_a_guard_that_does_not_vouch_makes_any_intent_unclear() -> None:
    from actions.items import answer
    from actions.move import Heard

    step = answer(Talk.in_items().state, Heard("affirm", unclear=True))
    assert [act.kind for act in step.acts] == ["say", "ask"]


def test_an_answer_before_the_end_is_no_answer_and_no_misunderstanding() -> None:
    talk = Talk.in_items()
    for _ in range(3):
        assert talk.hear("cut_off") == ["say R_full", "ask B1"]
    assert talk.hear("cut_off") == ["say R_unclear", "ask B1 plain"]


def test_tries_of_one_item_are_forgotten_at_the_next() -> None:
    talk = Talk.in_items()
    talk.hear("hedge", "hedge", "affirm")
    assert talk.hear("hedge") == ["say R_unclear", "ask B9 plain"]


# -- comprehension


def checking(*items: Item, **fields: Any) -> Talk:
    """The yes to the third item was given; its comprehension question is open."""
    talk = Talk.in_items(*(items or (CHECKED,)), **fields)
    talk.hear("affirm", "affirm", "affirm")
    assert talk.state.phase == "comprehension"
    return talk


def test_a_yes_to_a_checked_item_is_held_and_its_question_asked() -> None:
    talk = Talk.in_items(CHECKED)
    talk.hear("affirm", "affirm")
    assert talk.hear("affirm", reason="plain yes") == ["hold B8 plain yes", "ask B8q"]
    assert talk.hear("inform") == ["check"]
    assert talk.hear("check_right") == ["record B8 yes", "say A_ok", "ask Z1"]


def test_elders_hear_the_plainer_wording_of_the_question() -> None:
    assert checking(elder=True).acts[-1] == "ask B8q plain"


def test_a_no_to_a_checked_item_needs_no_question() -> None:
    talk = Talk.in_items(CHECKED)
    talk.hear("affirm", "affirm")
    assert talk.hear("deny") == ["record B8 no", "say A_noted", "ask Z1"]


@pytest.mark.parametrize("intent", ["affirm", "deny", "hedge", "inform", "other"])
def test_whatever_sounds_like_an_answer_is_compared(intent: str) -> None:
    assert checking().hear(intent) == ["check"]


def test_wrong_once_is_explained_and_asked_again_then_a_problem() -> None:
    talk = checking()
    talk.hear("inform")
    assert talk.hear("check_wrong") == ["say Q_again", "explain B8q", "ask B8q"]
    talk.hear("inform")
    record, *rest = talk.hear("check_wrong")
    assert record.startswith("record B8 unclear")
    assert rest == ["say A_noted", "ask Z1"]
    assert talk.state.problems == 1


def test_wrong_then_right_is_a_yes() -> None:
    talk = checking()
    talk.hear("inform", "check_wrong", "inform")
    assert talk.hear("check_right") == ["record B8 yes", "say A_ok", "ask Z1"]
    assert talk.state.problems == 0


def test_unclear_falls_back_to_plainer_words_then_keys_then_a_human() -> None:
    talk = checking()
    talk.hear("hedge")
    assert talk.hear("check_unclear") == ["say R_unclear", "ask B8q plain"]
    talk.hear("hedge")
    assert talk.hear("check_unclear") == ["say R_unclear", "ask B8q keys"]
    talk.hear("hedge")
    assert talk.hear("check_unclear") == ["record B8 unclear", "say R_unclear_done", "ask H_offer"]
    assert talk.hear("deny") == ["ask Z1"]


def test_who_answers_by_key_hears_what_the_keys_stand_for() -> None:
    talk = checking()
    assert talk.hear("affirm", via="key") == ["check"]
    assert talk.hear("check_keyed") == ["ask B8q keys"]
    talk.hear("affirm", via="key")
    assert talk.hear("check_keyed") == ["say R_unclear", "ask B8q keys"]
    assert talk.hear("human", via="key") == ["say H_now", "handoff key"]


def test_only_a_hesitant_yes_is_checked_where_doubt_decides() -> None:
    talk = Talk.in_items(DOUBTED)
    talk.hear("affirm", "affirm")
    assert talk.hear("affirm") == ["record B3d yes", "say A_ok", "ask Z1"]
    talk = Talk.in_items(DOUBTED)
    talk.hear("affirm", "affirm", "hedge")
    assert talk.hear("affirm") == ["hold B3d", "ask B3dq"]


def test_a_digression_forgets_no_wrong_answer() -> None:
    talk = checking()
    talk.hear("inform", "check_wrong", "silence", "silence", "silence")
    assert talk.state.phase == "human_offer"
    assert talk.hear("deny") == ["ask B8q keys"]
    talk.hear("repeat", "slower", "explain", "wait", "inform", "inform")
    assert talk.hear("check_wrong")[0].startswith("record B8 unclear")


def test_after_waiting_what_is_said_is_no_answer_to_the_question() -> None:
    talk = checking()
    talk.hear("wait")
    assert talk.hear("inform") == ["ask B8q"]
    assert talk.hear("inform") == ["check"]


def test_given_back_by_a_human_the_item_is_asked_anew() -> None:
    talk = checking()
    talk.hear("human")
    assert talk.hear("resume") == ["ask B8"]


@pytest.mark.parametrize("event", ["check_right", "check_wrong", "check_unclear", "check_keyed"])
@pytest.mark.parametrize("phase", sorted({*REACHED_BY} - {"comprehension"}))
def test_a_stray_result_decides_nothing(phase: str, event: str) -> None:
    talk = at(phase)
    talk.hear(event)
    assert not any(act.startswith("record") for act in talk.acts)


# -- questions and the end


def test_problems_of_an_earlier_call_count_in_the_summary() -> None:
    talk = Talk.in_items(problems=1)
    assert talk.hear("affirm", "affirm", "deny") == ["say Z_problem", "say Z2", "close done"]


def test_questions_go_to_a_human() -> None:
    assert at("questions").hear("affirm") == ["say H_now", "handoff question"]
    talk = at("questions")
    assert talk.hear("other") == ["say E_none", "ask H_offer"]
    assert talk.hear("deny") == ["ask Z1"]
    assert talk.hear("deny") == ["say Z_clean", "say Z2", "close done"]


@pytest.mark.parametrize("intent", ["deny", "goodbye", "busy"])
def test_after_the_last_item_leaving_is_a_proper_end(intent: str) -> None:
    assert at("questions").hear(intent) == ["say Z_clean", "say Z2", "close done"]


def test_silence_after_the_last_item_is_no_question() -> None:
    talk = at("questions")
    assert talk.hear("silence") == ["say S_1", "ask Z1"]
    assert talk.hear("silence") == ["say Z_clean", "say Z2", "close done"]


# -- digressions


@pytest.mark.parametrize("phase", [*SPOKEN, "callback_time"])
def test_repeat_asks_the_same_again(phase: str) -> None:
    talk = at(phase)
    asked = talk.state.asked
    assert asked is not None
    assert talk.hear("repeat") == [" ".join(["ask", asked.clause, *_form(asked.form)])]
    assert talk.state.asked == asked


@pytest.mark.parametrize("phase", [*SPOKEN, "callback_time"])
def test_pace_and_the_question_again(phase: str) -> None:
    talk = at(phase)
    assert talk.hear("slower")[:2] == ["pace slower", "say P_slower"]
    assert talk.hear("louder")[:2] == ["pace louder", "say P_louder"]
    assert talk.acts[-1].startswith("ask ")


def test_explain_and_the_question_again_or_a_human() -> None:
    talk = Talk.in_items()
    assert talk.hear("explain") == ["explain B1", "ask B1"]
    assert talk.hear("no_explanation") == ["say E_none", "ask H_offer"]
    assert talk.hear("deny") == ["ask B1"]
    talk.hear("no_explanation")
    assert talk.hear("affirm") == ["say H_now", "handoff question"]


def test_after_waiting_a_yes_is_not_an_answer_to_the_item() -> None:
    talk = Talk.in_items()
    assert talk.hear("wait") == ["say W_ok", "wait 30.0"]
    assert talk.hear("affirm") == ["ask B1"]
    assert talk.hear("affirm")[0] == "record B1 yes"


@pytest.mark.parametrize("intent", ["deny", "hedge", "other"])
def test_after_waiting_anything_said_brings_the_question_back(intent: str) -> None:
    talk = Talk.in_items()
    talk.hear("wait")
    assert talk.hear(intent) == ["ask B1"]


def test_after_waiting_a_key_counts() -> None:
    talk = Talk.in_items()
    talk.hear("wait")
    assert talk.hear("affirm", via="key")[0] == "record B1 yes"


def test_silence_prompts_twice_offers_a_human_and_takes_leave() -> None:
    talk = Talk.in_items()
    assert talk.hear("silence") == ["say S_1", "ask B1"]
    assert talk.hear("silence") == ["say S_2", "ask B1 keys"]
    assert talk.hear("silence") == ["ask H_offer"]
    assert talk.hear("silence") == ["say G_bye", "close goodbye"]


def test_who_speaks_again_after_silence_goes_on() -> None:
    talk = Talk.in_items()
    talk.hear("silence", "silence", "silence")
    assert talk.hear("deny") == ["ask B1 keys"]


# -- a human


@pytest.mark.parametrize("phase", [*SPOKEN, "callback_time", "closing"])
@pytest.mark.parametrize(
    ("intent", "acts"),
    [
        ("human", ["say H_now", "handoff request"]),
        ("complain", ["say H_complaint", "handoff complaint"]),
        ("surrender", ["say H_complaint", "handoff surrender"]),
        ("coached", ["flag P18_INTERFERENCE", "say H_coached", "handoff coached"]),
    ],
)
def test_a_human_at_once_from_everywhere(phase: str, intent: str, acts: list[str]) -> None:
    talk = at(phase)
    if not talk.state.verified:  # who answers may be the seller, who is not told more than that
        acts = ["say H_identity" if act == "say H_coached" else act for act in acts]
    assert talk.hear(intent) == acts


def test_key_0_says_so_in_the_reason() -> None:
    assert at("items").hear("human", via="key") == ["say H_now", "handoff key"]


def test_the_bot_is_silent_while_a_human_owns_the_conversation() -> None:

    for intent in set(intents()) - {"resume", "nobody_free"}:
        talk = at("handoff")
        assert talk.hear(intent) == [], intent
        assert talk.state.phase == "handoff"


def test_given_back_at_the_first_open_item() -> None:
    talk = Talk.in_items()
    talk.hear("affirm", "human")
    assert talk.hear("resume") == ["ask B9"]


def test_given_back_without_proof_asks_for_it() -> None:
    talk = at("identity_secret")
    talk.hear("human")
    assert talk.hear("resume") == ["ask I1"]


def test_nobody_free_asks_when_a_human_may_call() -> None:
    talk = at("handoff")
    assert talk.hear("nobody_free") == ["say H_later", "ask K_when plain"]
    assert talk.hear("inform") == ["reschedule"]
    assert talk.hear("time_booked") == ["say K_booked", "handoff booked"]
    assert talk.hear("affirm") == []


def test_nobody_free_and_no_time_named_stays_in_the_humans_list() -> None:
    talk = at("handoff")
    talk.hear("nobody_free", "silence")
    assert talk.hear("silence") == ["say G_bye", "handoff nobody_free"]


def test_a_human_can_be_waited_for_again() -> None:
    talk = at("handoff")
    talk.hear("nobody_free")
    assert talk.hear("human", via="key") == ["say H_now", "handoff key"]


def test_the_offer_of_a_human_unclear_twice_is_handed_over_not_taken_for_yes() -> None:
    talk = at("human_offer")
    assert talk.hear("hedge") == ["say R_unclear", "ask H_offer keys"]
    assert talk.hear("hedge") == ["say H_now", "handoff unclear"]


# -- ends before the end


@pytest.mark.parametrize("phase", ["opening", "identity_self", "identity_secret", "callback_time"])
def test_a_wrong_person_ends_it_anywhere(phase: str) -> None:
    assert at(phase).hear("wrong_person") == ["say N_bye", "close not_me"]


def test_who_has_proven_identity_is_asked_again_and_goes_on_where_it_stopped() -> None:
    talk = at("items")
    assert talk.hear("wrong_person") == ["ask I1"]
    assert talk.hear("affirm") == ["ask I2"]
    assert talk.hear("inform") == ["verify"]
    assert talk.hear("identity_ok") == ["say I_ok", "ask B1"]
    assert talk.hear("wrong_person") == ["say H_identity", "handoff identity"]


@pytest.mark.parametrize("intent", ["deny", "wrong_person"])
def test_a_wrong_person_after_proof_of_identity_is_flagged(intent: str) -> None:
    talk = at("items")
    talk.hear("wrong_person")
    assert talk.hear(intent) == ["flag P01_NOT_POLICYHOLDER", "say N_bye", "close not_me"]


@pytest.mark.parametrize("phase", ["opening", "identity_self", "identity_secret", "items"])
def test_busy_books_another_time(phase: str) -> None:
    talk = at(phase)
    assert talk.hear("busy") == ["ask K_when"]
    assert talk.hear("inform") == ["reschedule"]
    assert talk.hear("time_unheard") == ["ask K_retry"]
    assert talk.hear("inform") == ["reschedule"]
    assert talk.hear("time_booked") == ["say K_booked", "close busy"]


def test_no_time_understood_twice() -> None:
    talk = at("callback_time")
    talk.hear("inform", "time_unheard", "inform")
    assert talk.hear("time_unheard") == ["say G_bye", "close busy"]


def test_goodbye_in_mid_way() -> None:
    assert at("items").hear("goodbye") == ["say G_bye", "close goodbye"]


def test_no_items_at_all_is_answered_by_the_application_not_by_a_crash() -> None:
    talk = Talk.in_items(Item("C3"))
    talk.hear("affirm", "affirm", "affirm")
    assert talk.acts[-1] == "ask Z1"


def _form(form: str) -> list[str]:
    return [] if form == "full" else [form]
