"""How Kokoro's model is run."""

from __future__ import annotations

from voice.speaking.kokoro import options


def test_an_idle_thread_takes_no_time_from_the_recogniser() -> None:
    chosen = options(2)
    assert chosen.intra_op_num_threads == 2
    assert chosen.get_session_config_entry("session.intra_op.allow_spinning") == "0"
