"""Calls: which UUID is whose, what the exchange is told, and the calls that the bot places."""
