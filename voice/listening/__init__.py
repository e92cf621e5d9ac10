"""Listening: from 20 ms frames of sound to a transcript and how sure it is.

`vad` decides per frame, `endpoint` cuts utterances, `whisper` and `vosk_` recognise them behind
the Protocols of `protocols`, `pool` shares one recogniser between calls, off the loop that paces
frames.
"""
