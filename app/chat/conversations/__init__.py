"""Conversations: find and list them, open them, change them, join and leave."""

from app.chat.conversations.change import change
from app.chat.conversations.lookup import audience, find, get, hold, page
from app.chat.conversations.opening import open_or_get
from app.chat.conversations.people import join, leave

__all__ = ["audience", "change", "find", "get", "hold", "join", "leave", "open_or_get", "page"]
