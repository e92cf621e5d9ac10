"""The humans' side: who waits, who has whom, what an agent sees, what is due."""
