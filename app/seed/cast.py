"""The demo's cast: who can log in, and what each of them is here for."""

from __future__ import annotations

from typing import Literal, NamedTuple

from app.identity import Caller


class Person(NamedTuple):
    """One of the cast. `about` is for whoever chooses whom to be."""

    name: str
    role: Literal["user", "service", "admin"] = "user"
    about: str = ""


CAST: dict[str, Person] = {
    "bea": Person("Bea Brandt", about="Furnishes her first flat, gives Portuguese lessons, and waits for a parcel."),
    "ben": Person("Ben Okafor", about="Repairs bikes at your door, and looks for somebody to feed his cat."),
    "sol": Person("Sol Martínez", about="Runs the kitchen shop and sells a few good old things besides."),
    "sam": Person("Sam Lindqvist", about="Sells a bike, a camera and a guitar, and teaches the piano."),
    "mia": Person("Mia Costa", about="Plants balconies, and is moving out of a flat full of furniture."),
    "tom": Person("Tom Wren", about="Has just moved in, has a room to paint, and asks a lot of questions."),
    "ada": Person("Ada from support", about="Helps with orders: she sees the conversation of every order she is in."),
    "shop": Person("The shop", role="service"),
}


def caller(user_id: str) -> Caller:
    """One of the cast as the door would let them in."""
    person = CAST[user_id]
    return Caller(id=user_id, name=person.name, avatar_url=None, role=person.role, expires_at=0.0, digest=b"")
