"""What the demo's conversations are about: listings, the shop's products, services and requests."""

from __future__ import annotations

from typing import NamedTuple

from app.schemas import ContextDraft, ContextKind, ContextRef, Price

CURRENCY = "EUR"


class Item(NamedTuple):
    """An item of the demo. `told` is what Parley is told; the long text is the shop's own affair."""

    ref: ContextRef
    told: ContextDraft
    text: str


def price(euros: float) -> Price:
    return Price(amount_minor=round(euros * 100), currency=CURRENCY)


def _item(  # noqa: PLR0913  each by its name
    kind: ContextKind, id_: str, seller_id: str, title: str, *, euros: float | None, state: str, text: str, **facts: str
) -> Item:
    folder = "items" if kind in ("listing", "product") else "services"
    told = ContextDraft(
        title=title,
        url=f"/{folder}/{kind}/{id_}",
        image_url=f"/static/shop/pictures/{id_}.svg",
        price=None if euros is None else price(euros),
        seller_id=seller_id,
        state=state,
        attributes={name.replace("_", " "): value for name, value in facts.items()},
    )
    return Item(ContextRef(kind=kind, id=id_), told, text)


def _listing(id_: str, seller_id: str, title: str, *, euros: float, text: str, **facts: str) -> Item:
    state = facts.pop("state", "available")
    return _item("listing", id_, seller_id, title, euros=euros, state=state, text=text, **facts)


def _product(id_: str, title: str, *, euros: float, text: str, **facts: str) -> Item:
    return _item("product", id_, "sol", title, euros=euros, state="in stock", text=text, **facts)


def _service(id_: str, seller_id: str, title: str, *, euros: float, text: str, **facts: str) -> Item:
    return _item("service", id_, seller_id, title, euros=euros, state="open", text=text, **facts)


def _request(id_: str, seller_id: str, title: str, *, euros: float | None, text: str, **facts: str) -> Item:
    return _item("request", id_, seller_id, title, euros=euros, state="open", text=text, **facts)


_ALL = (
    _listing(
        "oak-table",
        "sol",
        "Oak table, 1960s",
        euros=240,
        text="Solid oak with tapered legs, from a schoolhouse near Évora. The top was oiled this spring. There is one "
        "ring from a coffee cup, which I have grown fond of. Seats six, eight if they like each other.",
        size="160 × 80 cm",
        condition="Used, good",
        pick_up="Lisbon, Graça",
    ),
    _listing(
        "road-bike",
        "sam",
        "Road bike, 56 cm",
        euros=650,
        text="Aluminium frame, carbon fork, ridden on dry Sundays only. New chain and brake pads in September. I am "
        "selling it because I bought one with room for a child seat.",
        groupset="Shimano 105",
        year="2021",
        condition="Used, very good",
        pick_up="Lisbon, Alvalade",
    ),
    _listing(
        "green-armchair",
        "mia",
        "Green velvet armchair",
        euros=180,
        state="reserved",
        text="The best reading chair I have owned. The velvet is from 2019 and the springs are older than I am. It "
        "comes apart in two pieces, so it goes through narrow doors.",
        size="78 × 82 × 95 cm",
        condition="Used, good",
        pick_up="Lisbon, Estrela",
    ),
    _listing(
        "film-camera",
        "sam",
        "35 mm film camera with 50 mm lens",
        euros=120,
        text="A fully mechanical camera: the battery is for the light meter alone. Light seals renewed, shutter tested "
        "at all speeds. A roll of black-and-white film comes with it.",
        condition="Serviced",
        lens="50 mm f/1.8",
        pick_up="Lisbon, Alvalade",
    ),
    _listing(
        "record-player",
        "sol",
        "Record player with amplifier",
        euros=140,
        text="Plug in two speakers and it plays. The needle has perhaps forty hours on it. The lid has a hairline "
        "crack at the back that nobody sees unless told.",
        condition="Used, good",
        speeds="33 and 45",
        pick_up="Lisbon, Graça",
    ),
    _listing(
        "acoustic-guitar",
        "sam",
        "Acoustic guitar, spruce top",
        euros=210,
        text="Warm and loud for its size. One ding on the lower side, honestly come by at a wedding. New strings, soft "
        "case and a tuner included.",
        condition="Used, good",
        scale="650 mm",
        pick_up="Lisbon, Alvalade",
    ),
    _listing(
        "reading-lamp",
        "sol",
        "Brass reading lamp",
        euros=65,
        text="It stays where you put it. Rewired last year with a cloth cable, and takes an ordinary E14 bulb.",
        height="48 cm",
        condition="Restored",
        pick_up="Lisbon, Graça",
    ),
    _listing(
        "typewriter",
        "ben",
        "Portable typewriter, Portuguese keyboard",
        euros=85,
        text="Types beautifully, apart from a stubborn letter ç. Comes with its case and two ribbons.",
        condition="Working",
        weight="5.2 kg",
        pick_up="Lisbon, Arroios",
    ),
    _listing(
        "two-person-tent",
        "bea",
        "Two-person tent",
        euros=95,
        text="Slept in for eleven nights and dried every time. All pegs are there, and two spare ones.",
        weight="2.1 kg",
        condition="Used, very good",
        pick_up="Lisbon, Penha de França",
    ),
    _product(
        "moka-pot",
        "Moka pot, 6 cups",
        euros=34.90,
        text="Cast aluminium with a steel base, so it works on induction too. Every part can be bought singly.",
        capacity="300 ml",
        delivery="2–3 days",
    ),
    _product(
        "stoneware-mugs",
        "Stoneware mugs, pair",
        euros=28,
        text="Thrown and glazed in Caldas da Rainha. No two glazes run the same way, so yours will not be these two.",
        capacity="320 ml each",
        delivery="2–3 days",
    ),
    _product(
        "linen-apron",
        "Linen apron",
        euros=42,
        text="Heavy washed linen with a pocket deep enough for a phone and a spoon. Grows softer with every wash.",
        size="One size",
        delivery="2–3 days",
    ),
    _product(
        "cutting-board",
        "Chestnut cutting board",
        euros=39.50,
        text="One piece of chestnut from the north, oiled and ready. Kind to knives.",
        size="38 × 24 cm",
        delivery="2–3 days",
    ),
    _product(
        "enamel-kettle",
        "Enamel kettle",
        euros=54,
        text="Boils two litres and whistles politely. For gas, electric and induction.",
        capacity="2 l",
        delivery="4–6 days",
    ),
    _product(
        "beeswax-candles",
        "Beeswax candles, set of three",
        euros=24,
        text="From forty hives in the Serra da Estrela. They burn for about nine hours and smell faintly of summer.",
        burning_time="9 hours each",
        delivery="2–3 days",
    ),
    _service(
        "piano-lessons",
        "sam",
        "Piano lessons at your home",
        euros=45,
        text="For beginners of any age, and for people who stopped at fifteen and are sorry. We begin with a piece you "
        "like. A keyboard with 61 keys is enough for the first year.",
        per="60 minutes",
        area="Lisbon and Oeiras",
        languages="English, Portuguese, Swedish",
    ),
    _service(
        "bike-repair",
        "ben",
        "Bike repair at your door",
        euros=35,
        text="I come with the tools and most parts. Gears, brakes, flats and creaks. If it cannot be mended on "
        "the spot I take it along and bring it back.",
        per="visit, parts extra",
        area="Lisbon",
        languages="English, Portuguese",
    ),
    _service(
        "balcony-planting",
        "mia",
        "A balcony that grows",
        euros=60,
        text="I look at your light and wind, and plant pots that survive both. Herbs, tomatoes, or something for bees. "
        "A second visit after a month is part of it.",
        per="visit, plants extra",
        area="Lisbon and Almada",
        languages="English, Portuguese",
    ),
    _service(
        "portuguese-lessons",
        "bea",
        "Portuguese over coffee",
        euros=25,
        text="Conversation for people who have the grammar and lack the courage. We meet in a café and talk; the "
        "coffee is on you.",
        per="60 minutes",
        area="Lisbon, or by telephone",
        languages="Portuguese, German, English",
    ),
    _request(
        "move-sofa",
        "bea",
        "Wanted: two people to move a sofa",
        euros=40,
        text="From the second floor to the first, across one street. It is not heavy, only long. Saturday morning "
        "would be best; there is coffee and cake.",
        when="Saturday morning",
        where="Penha de França",
    ),
    _request(
        "paint-room",
        "tom",
        "Wanted: a painter for one small room",
        euros=220,
        text="Nine square metres, one window, one coat over white. I have the paint and the ladder, and neither talent "
        "nor patience.",
        when="Any weekday",
        where="Campo de Ourique",
    ),
    _request(
        "cat-sitter",
        "ben",
        "Wanted: a cat sitter for ten days",
        euros=150,
        text="Figo is nine, eats twice a day and pretends not to like people. Ten days in December. You could also "
        "stay here; the sofa is good.",
        when="12 to 22 December",
        where="Arroios",
    ),
)

ITEMS: dict[tuple[ContextKind, str], Item] = {(item.ref.kind, item.ref.id): item for item in _ALL}
