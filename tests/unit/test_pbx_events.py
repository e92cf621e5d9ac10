"""Manager events folded into what happens to our calls."""

from __future__ import annotations

from voice.ami import Message
from voice.pbx_events import (
    AgentRings,
    AgentTalks,
    Answered,
    Channels,
    Gone,
    KeyDown,
    KeyUp,
    NotDialled,
    PbxEvent,
)

UUID = "5a2f8c1e-0000-4000-8000-000000000001"
CALLER = "PJSIP/trunk-00000001"


def event(name: str, **fields: str) -> Message:
    return Message((("Event", name), *fields.items()))


def feed(channels: Channels, *messages: Message) -> list[PbxEvent]:
    return [found for message in messages for found in channels.feed(message)]


def carrying() -> Channels:
    channels = Channels()
    feed(channels, event("VarSet", Channel=CALLER, Variable="__CALL_UUID", Value=UUID.upper()))
    return channels


def test_the_dialplan_variable_ties_a_channel_to_a_call() -> None:
    channels = carrying()
    assert channels.channel(UUID) == CALLER
    assert channels.uuids == {UUID}


def test_an_agents_leg_that_inherits_the_variable_does_not_take_the_callers_place() -> None:
    channels = carrying()
    leg = event("VarSet", Channel="PJSIP/agent1-2", Variable="CALL_UUID", Value=UUID)
    feed(channels, leg)
    assert channels.channel(UUID) == CALLER
    assert feed(channels, event("Hangup", Channel="PJSIP/agent1-2", Cause="16")) == []
    assert channels.channel(UUID) == CALLER


def test_only_keys_of_the_caller_count() -> None:
    channels = carrying()
    key = {"Channel": CALLER, "Digit": "0", "Direction": "Received"}
    assert feed(channels, event("DTMFBegin", **key)) == [KeyDown(UUID, "0")]
    assert feed(channels, event("DTMFEnd", **key)) == [KeyUp(UUID, "0")]
    assert feed(channels, event("DTMFEnd", **{**key, "Direction": "Sent"})) == []
    assert feed(channels, event("DTMFEnd", **{**key, "Channel": "PJSIP/other-9"})) == []


def test_a_dialled_call_is_known_by_its_unique_id_from_ringing_to_the_end() -> None:
    channels = Channels()
    channels.dialling(UUID)
    feed(channels, event("Newchannel", Channel=CALLER, Uniqueid=UUID))
    up = event("Newstate", Channel=CALLER, ChannelStateDesc="Up")
    assert feed(channels, event("Newstate", Channel=CALLER, ChannelStateDesc="Ringing")) == []
    assert feed(channels, up) == [Answered(UUID)]
    assert feed(channels, event("Hangup", Channel=CALLER, Cause="17")) == [Gone(UUID, 17)]
    assert channels.uuids == frozenset()


LOCAL, FAR = "Local/13800001111@huifang-dial-00000000;1", "PJSIP/trunk-00000001"


def dialled_locally() -> Channels:
    """A call through a Local channel, in which the carrier plays something already."""
    channels = Channels()
    channels.dialling(UUID)
    feed(channels, event("Newchannel", Channel=LOCAL, Uniqueid=UUID, Linkedid=UUID))
    feed(channels, event("Newchannel", Channel=FAR, Uniqueid="17.2", Linkedid=UUID))
    return channels


def test_early_media_is_no_answer_the_callees_own_channel_tells() -> None:
    channels = dialled_locally()
    early = event("Newstate", Channel=LOCAL, Linkedid=UUID, ChannelStateDesc="Up")
    assert feed(channels, early) == []
    answer = event("Newstate", Channel=FAR, Linkedid=UUID, ChannelStateDesc="Up")
    assert feed(channels, answer) == [Answered(UUID)]
    agent = event("Newstate", Channel="PJSIP/agent1-9", Linkedid=UUID, ChannelStateDesc="Up")
    assert feed(channels, agent) == [], "an agent who joins is not the callee"
    assert channels.channel(UUID) == LOCAL
    assert feed(channels, event("Hangup", Channel=LOCAL, Cause="19")) == [Gone(UUID, 19)]


def test_an_answer_given_while_the_manager_was_away_is_found_afterwards() -> None:
    shown = event("CoreShowChannel", Channel=FAR, Linkedid=UUID, ChannelStateDesc="Up")
    assert feed(dialled_locally(), shown) == [Answered(UUID)]


def test_a_call_that_comes_in_is_not_answered_by_a_callee() -> None:
    up = event("Newstate", Channel=CALLER, ChannelStateDesc="Up")
    assert feed(carrying(), up) == []


def test_a_call_that_never_became_a_channel() -> None:
    channels = Channels()
    channels.dialling(UUID)
    failed = event("OriginateResponse", ActionID=f"huifang-dial-{UUID}", Response="Failure")
    assert feed(channels, failed) == [NotDialled(UUID)]
    assert feed(channels, failed) == []


def test_a_call_that_became_a_channel_ends_with_its_cause_not_with_the_response() -> None:
    channels = Channels()
    channels.dialling(UUID)
    feed(channels, event("Newchannel", Channel=CALLER, Uniqueid=UUID))
    failed = event("OriginateResponse", ActionID=f"huifang-dial-{UUID}", Response="Failure")
    assert feed(channels, failed) == []


def test_a_renamed_channel_stays_ours() -> None:
    channels = carrying()
    feed(channels, event("Rename", Channel=CALLER, Newname="PJSIP/trunk-7"))
    assert channels.channel(UUID) == "PJSIP/trunk-7"
    hangup = event("Hangup", Channel="PJSIP/trunk-7", Cause="garbage")
    assert feed(channels, hangup) == [Gone(UUID, 0)]


def test_the_queue_tells_who_rings_and_who_talks() -> None:
    channels = carrying()
    agent = {"Channel": CALLER, "MemberName": "agent1"}
    assert feed(channels, event("AgentCalled", **agent)) == [AgentRings(UUID, "agent1")]
    assert feed(channels, event("AgentConnect", **agent)) == [AgentTalks(UUID, "agent1")]
    assert feed(channels, event("AgentCalled", Channel=CALLER)) == []


def test_after_a_reconnect_what_ended_unseen_is_told() -> None:
    channels = carrying()
    assert channels.retain(frozenset({CALLER})) == []
    assert channels.retain(frozenset()) == [UUID]
    assert channels.uuids == frozenset()


def test_other_events_and_empty_ones_mean_nothing() -> None:
    channels = carrying()
    assert feed(channels, Message(()), event("PeerStatus"), event("VarSet"), event("Hangup")) == []
