"""The demo's orders: what the shop knows of them, and what it tells Parley."""

from __future__ import annotations

from typing import NamedTuple

from app.schemas import ContextDraft, ContextRef
from app.seed.items import ITEMS, price

STEPS = ("paid", "packed", "shipped", "delivered")


class Line(NamedTuple):
    """So many of a product."""

    product_id: str
    quantity: int


class Order(NamedTuple):
    """An order of the demo: its customer, who of support looks after it, and how far it is on its way."""

    id: str
    buyer_id: str
    agent_id: str
    state: str
    days_ago: int
    lines: tuple[Line, ...]
    address: str
    carrier: str

    @property
    def ref(self) -> ContextRef:
        return ContextRef(kind="order", id=self.id)

    @property
    def total_minor(self) -> int:
        return sum(price_of(line) for line in self.lines)

    def told(self) -> ContextDraft:
        return ContextDraft(
            title=f"Order {self.id}",
            url=f"/orders/{self.id}",
            image_url="/static/shop/pictures/parcel.svg",
            price=price(self.total_minor / 100),
            seller_id="sol",
            state=self.state,
            attributes={"items": sum(line.quantity for line in self.lines), "carrier": self.carrier},
        )


def price_of(line: Line) -> int:
    """In cents."""
    told = ITEMS["product", line.product_id].told
    assert told.price is not None
    return told.price.amount_minor * line.quantity


ORDERS: dict[str, Order] = {
    order.id: order
    for order in (
        Order(
            id="1001",
            buyer_id="bea",
            agent_id="ada",
            state="shipped",
            days_ago=4,
            lines=(Line("moka-pot", 1), Line("stoneware-mugs", 2)),
            address="Bea Brandt, Rua Heróis de Quionga 12, 3.º E, 1170 Lisboa",
            carrier="Correio Azul, PT 4471 902",
        ),
        Order(
            id="1002",
            buyer_id="ben",
            agent_id="ada",
            state="packed",
            days_ago=1,
            lines=(Line("enamel-kettle", 1), Line("cutting-board", 1), Line("linen-apron", 1)),
            address="Ben Okafor, Rua Maria 40, r/c, 1170 Lisboa",
            carrier="Courier, tomorrow",
        ),
    )
}
