"""The demo: a cast with logins, the shop's own items and orders, and its pages. Only in demo mode: whoever asks gets
a token. A real shop has all of this already; Parley is told of it by `PUT /contexts`."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from litestar import MediaType, Request, Response, Router, get, post
from msgspec import Struct

from app.api import docs
from app.api.door import signed_in
from app.errors import NotFound
from app.schemas import Price
from app.seed import CAST, ITEMS, ORDERS
from app.seed.items import CURRENCY, Item
from app.seed.orders import STEPS, Order, price_of

TOKEN_TTL_SECONDS = 12 * 3600
PAGES = Path(__file__).parent.parent.parent / "frontend" / "shop"
Req = Request[Any, Any, Any]


class DemoLogin(Struct, frozen=True):
    token: str
    user_id: str
    name: str


class DemoPerson(Struct, frozen=True):
    id: str
    name: str
    about: str


class DemoItem(Struct, frozen=True):
    """An item as the shop's own pages show it."""

    kind: str
    id: str
    title: str
    url: str
    image_url: str
    price: Price | None
    seller: DemoPerson
    state: str
    text: str
    facts: dict[str, Any]


class DemoLine(Struct, frozen=True):
    item: DemoItem
    quantity: int
    price: Price


class DemoOrder(Struct, frozen=True):
    id: str
    customer: DemoPerson
    agent: DemoPerson
    state: str
    steps: tuple[str, ...]
    days_ago: int
    lines: list[DemoLine]
    total: Price
    address: str
    carrier: str


@post("/demo/logins/{user_id:str}", summary="A demo login")
async def log_in(request: Req, user_id: str) -> DemoLogin:
    """A token for one of the cast, as a shop's back end would make it."""
    if user_id not in CAST:
        raise NotFound
    person = CAST[user_id]
    token = request.app.state.identity.mint(user_id, ttl_seconds=TOKEN_TTL_SECONDS, name=person.name, role=person.role)
    return DemoLogin(token=token, user_id=user_id, name=person.name)


@get("/demo/people", include_in_schema=False)
async def people() -> list[DemoPerson]:
    return [_person(user_id) for user_id, person in CAST.items() if person.role == "user"]


@get("/demo/items", include_in_schema=False)
async def items() -> list[DemoItem]:
    return [_item(item) for item in ITEMS.values()]


@get("/demo/orders", include_in_schema=False, before_request=signed_in)
async def orders(request: Req) -> list[DemoOrder]:
    """The orders of the caller: those they placed and those they look after."""
    return [_order(order) for order in ORDERS.values() if request.user.id in (order.buyer_id, order.agent_id)]


def _person(user_id: str) -> DemoPerson:
    return DemoPerson(user_id, CAST[user_id].name, CAST[user_id].about)


def _item(item: Item) -> DemoItem:
    told = item.told
    assert told.url is not None
    assert told.image_url is not None
    assert told.seller_id is not None
    return DemoItem(
        kind=item.ref.kind,
        id=item.ref.id,
        title=told.title,
        url=told.url,
        image_url=told.image_url,
        price=told.price,
        seller=_person(told.seller_id),
        state=told.state,
        text=item.text,
        facts=dict(told.attributes),
    )


def _order(order: Order) -> DemoOrder:
    return DemoOrder(
        id=order.id,
        customer=_person(order.buyer_id),
        agent=_person(order.agent_id),
        state=order.state,
        steps=STEPS,
        days_ago=order.days_ago,
        lines=[
            DemoLine(
                _item(ITEMS["product", line.product_id]),
                line.quantity,
                Price(amount_minor=price_of(line), currency=CURRENCY),
            )
            for line in order.lines
        ],
        total=Price(amount_minor=order.total_minor, currency=CURRENCY),
        address=order.address,
        carrier=order.carrier,
    )


def _page(request: Req, name: str) -> Response[bytes]:
    return docs.html(request, PAGES / f"{name}.html")


def _fixed(path: str, name: str) -> Any:
    @get(path, include_in_schema=False, media_type=MediaType.HTML, name=f"demo:{name}")
    async def page(request: Req) -> Response[bytes]:
        return _page(request, name)

    return page


@get(["/items/{kind:str}/{item_id:path}", "/services/{kind:str}/{item_id:path}"], include_in_schema=False)
async def item_page(request: Req, kind: str, item_id: str) -> Response[bytes]:
    """The page of any item; it says itself when there is none."""
    return _page(request, "item")


@get("/orders/{order_id:str}", include_in_schema=False)
async def order_page(request: Req, order_id: str) -> Response[bytes]:
    return _page(request, "order")


@get("/chat/{conversation_id:uuid}", include_in_schema=False)
async def chat_page(request: Req, conversation_id: UUID) -> Response[bytes]:
    return _page(request, "chat")


FIXED = {
    "/": "index",
    "/services": "services",
    "/orders": "orders",
    "/inbox": "inbox",
    "/desk": "desk",
    "/login": "login",
}


def routes() -> list[Router]:
    fixed = [_fixed(path, name) for path, name in FIXED.items()]
    handlers = [log_in, people, items, orders, item_page, order_page, chat_page, *fixed]
    return [Router(path="/", route_handlers=handlers, tags=["Demo"])]
