"""What the demo's people have said to each other before anybody comes to look."""

from __future__ import annotations

from typing import Literal, NamedTuple

from app.schemas import ContextRef, Role

HOURS, DAYS = 60, 24 * 60


class Line(NamedTuple):
    """Something said, so many minutes ago. The shop says what happened; `joins` lets somebody in instead."""

    ago: float
    who: str
    body: str = ""
    card: ContextRef | None = None
    joins: Role | None = None
    then: Literal["", "edited", "unsent"] = ""


class Talk(NamedTuple):
    """One conversation. Everyone has read everything but the last so many lines that `unread` says."""

    about: ContextRef | None
    people: dict[str, Role]
    lines: tuple[Line, ...]
    unread: dict[str, int] = {}  # noqa: RUF012  never changed
    subject: str = ""
    is_archived_by: tuple[str, ...] = ()


def _listing(id_: str) -> ContextRef:
    return ContextRef(kind="listing", id=id_)


def _product(id_: str) -> ContextRef:
    return ContextRef(kind="product", id=id_)


TALKS = (
    Talk(
        _listing("oak-table"),
        {"bea": "buyer", "sol": "seller"},
        (
            Line(1 * DAYS + 3 * HOURS, "bea", "Hello Sol, is the oak table still there?"),
            Line(1 * DAYS + 2.8 * HOURS, "sol", "Hi Bea, yes it is. Would you like to see it?"),
            Line(1 * DAYS + 2.7 * HOURS, "bea", "I would! My stairs are narrow, though. Do the legs come off?"),
            Line(1 * DAYS + 2.2 * HOURS, "sol", "They do: eight bolts, and I have the key for them."),
            Line(1 * DAYS + 2.1 * HOURS, "sol", "Without the legs it is 6 cm flat. Two people carry it easily."),
            Line(4 * HOURS, "bea", "Perfect. Could I come on Thursday after six?"),
            Line(35, "sol", "Thursday is good, I am in from half past five. It is the blue door."),
            Line(34, "sol", "Bring a blanket for the car and I will help you carry it down.", then="edited"),
        ),
        unread={"bea": 2},
    ),
    Talk(
        _listing("oak-table"),
        {"tom": "buyer", "sol": "seller"},
        (
            Line(
                7 * HOURS,
                "tom",
                "Good morning! Is the table still for sale? It would fit my kitchen to the centimetre.",
            ),
            Line(6.5 * HOURS, "sol", "Good morning Tom. Somebody else comes to see it on Thursday."),
            Line(22, "tom", "Then I hope they have a small kitchen. Would you tell me if they do not take it?"),
            Line(21, "tom", "I could pay today and pick it up on Friday."),
        ),
        unread={"sol": 2},
    ),
    Talk(
        _product("moka-pot"),
        {"mia": "buyer", "sol": "seller"},
        (
            Line(3 * HOURS, "mia", "Does the six-cup pot also work when I only fill it halfway?"),
            Line(2.6 * HOURS, "sol", "Better not, it comes out thin. There is a reducer plate for three cups, though."),
            Line(12, "mia", "I did not know that existed! Can you put one in with the pot?"),
        ),
        unread={"sol": 1},
    ),
    Talk(
        _listing("record-player"),
        {"ben": "buyer", "sol": "seller"},
        (
            Line(2 * DAYS, "ben", "Which needle is in it, and can one still buy it?"),
            Line(1.9 * DAYS, "sol", "A plain elliptical one, every hi-fi shop has it for about 25 euros."),
            Line(5 * HOURS, "ben", "Good. And would you take 120 if I fetch it this week?"),
        ),
    ),
    Talk(
        _product("linen-apron"),
        {"tom": "buyer", "sol": "seller"},
        (
            Line(3 * DAYS, "tom", "I am looking for a present for somebody who cooks better than I do."),
            Line(2.95 * DAYS, "sol", "How about the apron? And if they roast things, this goes well with it:"),
            Line(2.94 * DAYS, "sol", card=_product("cutting-board")),
            Line(2.9 * DAYS, "tom", "Both, please. I have just ordered them."),
            Line(2.89 * DAYS, "sol", "Thank you! I will wrap them together and leave out the bill."),
        ),
    ),
    Talk(
        _listing("reading-lamp"),
        {"mia": "buyer", "sol": "seller"},
        (
            Line(9 * DAYS, "mia", "What is the colour of the cable?"),
            Line(8.9 * DAYS, "sol", "Dark green cloth, about two metres."),
            Line(8.8 * DAYS, "mia", "Lovely, but I have found one on my own attic now. Thank you all the same!"),
        ),
        is_archived_by=("sol", "mia"),
    ),
    Talk(
        _listing("film-camera"),
        {"bea": "buyer", "sam": "seller"},
        (
            Line(6 * DAYS, "bea", "Is the light meter accurate?"),
            Line(5.9 * DAYS, "sam", "Within half a stop of my phone. I can show you a few pictures from last month."),
            Line(5.8 * DAYS, "bea", "No need, I trust you. Is 110 all right?"),
            Line(5.7 * DAYS, "sam", "115 and the film is on me."),
            Line(5.6 * DAYS, "bea", "Done. Saturday at the market hall?"),
            Line(5.5 * DAYS, "sam", "Saturday at eleven, by the flower stand."),
            Line(2 * DAYS, "bea", "It works beautifully. First roll is at the lab!"),
        ),
    ),
    Talk(
        _listing("road-bike"),
        {"tom": "buyer", "sam": "seller"},
        (
            Line(1.2 * DAYS, "tom", "I am 1.83 m, is 56 too small?"),
            Line(1.1 * DAYS, "sam", "I am 1.84 m and it fits me like a glove. Come and try it."),
            Line(2 * HOURS, "tom", "Would tomorrow at seven suit you?"),
        ),
        unread={"sam": 1},
    ),
    Talk(
        _listing("green-armchair"),
        {"bea": "buyer", "mia": "seller"},
        (
            Line(3.5 * DAYS, "bea", "Is it as green as in the picture?"),
            Line(3.4 * DAYS, "mia", "Greener. I keep it for you until Sunday if you like."),
            Line(3.3 * DAYS, "bea", "Yes please! I only have to find somebody with a van."),
        ),
    ),
    Talk(
        _listing("two-person-tent"),
        {"mia": "buyer", "bea": "seller"},
        (
            Line(9 * HOURS, "mia", "Does it stand without pegs? I would like it for the terrace first."),
            Line(8.5 * HOURS, "bea", "It does, the poles cross. Only the porch needs two pegs."),
            Line(50, "mia", "Then I take it. Shall I fetch it tonight?"),
        ),
        unread={"bea": 1},
    ),
    Talk(
        ContextRef(kind="request", id="move-sofa"),
        {"bea": "buyer", "ben": "seller"},
        (
            Line(1.5 * DAYS, "ben", "I have a van and a strong friend. Saturday at ten?"),
            Line(1.4 * DAYS, "bea", "That would be wonderful. It is about forty metres and two flights of stairs."),
            Line(3.2 * HOURS, "ben", "No problem. We bring straps. What sort of cake?"),
        ),
        unread={"bea": 1},
    ),
    Talk(
        ContextRef(kind="service", id="bike-repair"),
        {"sam": "buyer", "ben": "seller"},
        (
            Line(4 * DAYS, "sam", "My gears jump on hills. Can you come by this week?"),
            Line(3.9 * DAYS, "ben", "Wednesday at six. It sounds like the hanger, I will bring one."),
            Line(2.1 * DAYS, "ben", "Was the hanger. Ride it for a week and write if it jumps again."),
            Line(30, "sam", "Not one jump since. Could you also look at my daughter's bike?"),
        ),
        unread={"ben": 1},
    ),
    Talk(
        ContextRef(kind="request", id="cat-sitter"),
        {"ben": "buyer", "mia": "seller"},
        (
            Line(20 * HOURS, "mia", "Figo sounds like my kind of cat. Does he need medicine?"),
            Line(19 * HOURS, "ben", "Only patience. Would you like to meet him first?"),
            Line(1.4 * HOURS, "mia", "Very much. I can also look after your plants, it is my trade:"),
            Line(1.38 * HOURS, "mia", card=ContextRef(kind="service", id="balcony-planting")),
        ),
        unread={"ben": 2},
    ),
    Talk(
        ContextRef(kind="service", id="portuguese-lessons"),
        {"tom": "buyer", "bea": "seller"},
        (
            Line(2.5 * DAYS, "tom", "I can order coffee and apologise. Is that enough to begin?"),
            Line(2.4 * DAYS, "bea", "Those are the two most useful things. Tuesday at five?"),
            Line(2.3 * DAYS, "tom", "Tuesday at five. Desculpe, um café, por favor."),
        ),
    ),
    Talk(
        ContextRef(kind="service", id="piano-lessons"),
        {"bea": "buyer", "sam": "seller"},
        (
            Line(13 * DAYS, "bea", "I stopped at fifteen and I am sorry. Do you have time on Mondays?"),
            Line(12.8 * DAYS, "sam", "Mondays at seven is free. What would you like to play?"),
            Line(12.7 * DAYS, "bea", "The slow movement of something everybody knows."),
            Line(7 * DAYS, "sam", "Good first lesson! Left hand alone until Monday, and slowly."),
            Line(1.05 * DAYS, "bea", "Left hand knows it by now. The right one is jealous.", then="edited"),
            Line(1.04 * DAYS, "bea", "I mean", then="unsent"),
            Line(1 * DAYS, "sam", "It gets its turn on Monday."),
        ),
    ),
    Talk(
        None,
        {"ben": "buyer", "sol": "seller"},
        (
            Line(5 * DAYS, "ben", "Do you have room for a repair stand beside yours at the Saturday market?"),
            Line(4.8 * DAYS, "sol", "I do, if you do not mind the smell of coffee."),
        ),
        subject="The Saturday market",
    ),
    Talk(
        ContextRef(kind="order", id="1001"),
        {"bea": "buyer"},
        (
            Line(4 * DAYS, "shop", "Order 1001 was paid"),
            Line(3.1 * DAYS, "shop", "Order 1001 was packed"),
            Line(3 * DAYS, "bea", "Could you send it to my neighbour? I am away until Monday."),
            Line(2.99 * DAYS, "ada", joins="agent"),
            Line(2.98 * DAYS, "ada", "Hello Bea, of course. Which name is on the door?"),
            Line(2.9 * DAYS, "bea", "Lopes, 3.º D. He knows."),
            Line(2.88 * DAYS, "ada", "Done. The driver rings at Lopes."),
            Line(1.1 * DAYS, "shop", "Order 1001 was shipped with Correio Azul, PT 4471 902"),
            Line(42, "ada", "It should be with Mr Lopes this afternoon. Write to me here if it is not."),
        ),
        unread={"bea": 1},
        subject="Order 1001",
    ),
    Talk(
        ContextRef(kind="order", id="1002"),
        {"ben": "buyer", "ada": "agent"},
        (
            Line(1 * DAYS, "shop", "Order 1002 was paid"),
            Line(6 * HOURS, "shop", "Order 1002 was packed"),
            Line(26, "ben", "Can I still swap the apron for two sets of candles?"),
            Line(25, "ben", card=_product("beeswax-candles")),
        ),
        unread={"ada": 2},
        subject="Order 1002",
    ),
)
