"""The dialogue's custom actions: pure functions of the tracker.

Rasa's rules (stories/) say which move follows which meaning in which phase; a move says what
is done and what is remembered. No clock, no disk, no network: the application does what the acts
say.
"""
