"""The AudioSocket codec under random streams: any split, any length, unknown types, half frames."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice import audiosocket as codec
from voice.audiosocket import Bye, Decoder, Fault, Hello, Kind, Message
from voice.media import Audio, Digit

UNKNOWN_KINDS = sorted(set(range(256)) - {int(kind) for kind in Kind})

hellos = st.uuids().map(lambda u: (codec.encode_hello(u), Hello(u)))
sounds = (
    st.binary(min_size=1, max_size=codec.MAX_PAYLOAD // 2)
    .map(lambda b: b + b)
    .map(lambda pcm: (codec.encode_audio(pcm), Audio(pcm)))
)
digits = st.sampled_from("0123456789*#ABCD").map(lambda d: (codec.encode_digit(d), Digit(d)))
byes = st.just((codec.HANGUP, Bye()))
faults = st.integers(0, 255).map(lambda c: (b"\xff\x00\x01" + bytes([c]), Fault(c)))
skipped = st.tuples(st.sampled_from(UNKNOWN_KINDS), st.binary(max_size=65535)).map(
    lambda kp: (codec.HEADER.pack(kp[0], len(kp[1])) + kp[1], None)
)
malformed = st.sampled_from(
    [b"\x10\x00\x00", b"\x10\x00\x01x", b"\x03\x00\x01x", b"\x03\x00\x021\x32", b"\x01\x00\x01u"]
    + [codec.HEADER.pack(Kind.SLIN, n) + bytes(n) for n in (codec.MAX_PAYLOAD + 2, 65534)]
).map(lambda wire: (wire, None))
parts = st.one_of(hellos, sounds, digits, byes, faults, skipped, malformed)


def fed(wire: bytes, cuts: list[int]) -> tuple[Decoder, list[Message]]:
    """Decode `wire` cut at the given places."""
    decoder, messages = Decoder(), []
    edges = [0, *sorted(c % (len(wire) + 1) for c in cuts), len(wire)]
    for start, end in pairwise(edges):
        messages += decoder.feed(wire[start:end])
        assert decoder.held <= codec.HEADER.size + codec.MAX_PAYLOAD
    return decoder, messages


@given(st.lists(parts, max_size=12), st.lists(st.integers(0, 1 << 20), max_size=30))
def test_any_split_gives_the_same_messages(
    stream: list[tuple[bytes, Message | None]], cuts: list[int]
) -> None:
    wire = b"".join(part for part, _ in stream)
    decoder, messages = fed(wire, cuts)
    assert messages == [message for _, message in stream if message is not None]
    assert decoder.unknown + decoder.malformed == sum(m is None for _, m in stream)
    assert decoder.held == 0


@settings(max_examples=10_000)
@given(st.lists(st.binary(max_size=2000), max_size=6))
def test_random_bytes_never_raise_and_never_pile_up(chunks: list[bytes]) -> None:
    decoder = Decoder()
    for chunk in chunks:
        decoder.feed(chunk)
        assert decoder.held <= codec.HEADER.size + codec.MAX_PAYLOAD


@given(sounds, st.integers(1, 2))
def test_half_a_frame_waits_for_the_other_half(sound: tuple[bytes, Message], n: int) -> None:
    wire, message = sound
    decoder = Decoder()
    assert decoder.feed(wire[:-n]) == []
    assert decoder.feed(wire[-n:]) == [message]


def test_byte_by_byte() -> None:
    uuid = UUID(int=7)
    wire = codec.encode_hello(uuid) + codec.encode_digit("#") + codec.encode_audio(b"ab" * 160)
    decoder, messages = fed(wire, list(range(len(wire))))
    assert messages == [Hello(uuid), Digit("#"), Audio(b"ab" * 160)]
    assert (decoder.unknown, decoder.malformed) == (0, 0)


def test_what_asterisk_expects_on_the_wire() -> None:
    assert codec.encode_audio(b"\x01\x02") == b"\x10\x00\x02\x01\x02"
    assert codec.encode_audio(bytes(320))[:3] == b"\x10\x01\x40"
    assert codec.HANGUP == b"\x00\x00\x00"


@pytest.mark.parametrize("pcm", [b"", b"x", bytes(codec.MAX_PAYLOAD + 2)])
def test_sound_that_would_drop_the_call_is_never_encoded(pcm: bytes) -> None:
    with pytest.raises(ValueError, match="even"):
        codec.encode_audio(pcm)


@pytest.mark.parametrize("digit", ["", "10", "x", "０", "\n"])
def test_only_dtmf_digits_are_encoded(digit: str) -> None:
    with pytest.raises(ValueError, match="DTMF"):
        codec.encode_digit(digit)
