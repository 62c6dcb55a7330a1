"""Messages: send, read the history, edit and unsend, the boxes across conversations."""

from app.chat.messages.box import box
from app.chat.messages.change import edit, unsend
from app.chat.messages.opening import open_with
from app.chat.messages.pages import get, history
from app.chat.messages.send import SENDS, send

__all__ = ["SENDS", "box", "edit", "get", "history", "open_with", "send", "unsend"]
