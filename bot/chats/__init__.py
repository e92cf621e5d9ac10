"""Chats: from a link to the end of what is written, by the bot or by humans."""
