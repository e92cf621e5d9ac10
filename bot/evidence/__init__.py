"""What a callback leaves behind: a chained ledger, a recording, an export, and their checks."""
