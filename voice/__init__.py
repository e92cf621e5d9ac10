"""Sound and lines. Knows nothing of insurance; imports nothing of `bot`."""
