"""One conversation over any line: heard, understood, committed, then spoken."""
