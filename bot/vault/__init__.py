"""Keeps what is personal unreadable at rest: a master key file, a data key for each record."""
