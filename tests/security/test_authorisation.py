"""Who may do what: every call of the OpenAPI description, made by everybody who could make it.

The table is the rule. A call that is new in the description and has no row here fails a test, and each cell is really
called, with a real token, at a real server.
"""

from __future__ import annotations

import re
import uuid
from typing import Any, NamedTuple

import httpx
import pytest

from app.settings import Settings
from tests.api.answers import ok, refusal
from tests.harness import SECRET, Server
from tests.security.conftest import NewStage, Stage, seen

# author: has written the message. participant: the other one in the conversation. agent: in it for the shop.
# former: was in it, and has left. admin: a moderator.
WHO = ("anonymous", "stranger", "former", "participant", "author", "agent", "service", "admin")
CODES = {400: "validation_failed", 401: "unauthenticated", 403: "forbidden", 404: "not_found"}


class Row(NamedTuple):
    """A call (beneath `/api/v1`) and what comes of it, in the order of `WHO`. `case` tells rows of one call apart.
    Words in braces, in `path`, `query` and `body`, are filled in from the stage."""

    call: str
    expected: str
    case: str = ""
    query: str = ""
    body: Any = None
    names: tuple[tuple[str, str], ...] = ()


DRAFT = {"client_id": "{new}", "body": "Hi"}
LISTING = {"kind": "listing", "id": "{item_id}"}
ORDER = {"kind": "order", "id": "{order_id}"}
AN_ORDER = (("kind", "order"), ("item_id", "{order_id}"))
ONE = "/conversations/{conversation_id}"
PEOPLE = f"{ONE}/participants"
FROM = f"{PEOPLE}/{{user_id}}"
SEVERAL = [{"user_id": "{sol}", "role": "seller"}, {"user_id": "{eve}", "role": "buyer"}]

# fmt: off
TABLE = [
    #                                        anonymous stranger former participant author agent service admin
    Row("GET /me",                              "401     200     200      200       200    200    200    200"),
    Row("PATCH /me",                            "401     200     200      200       200    200    200    200",
        body={"status": "away"}),
    Row("GET /presence",                        "401     200     200      200       200    200    200    200"),
    Row("GET /presence",                        "401     200     200      200       200    200    200    200",
        "of somebody", query="user_id={sol}"),
    Row("GET /contexts/{kind}/{item_id}",       "401     200     200      200       200    200    200    200"),
    Row("GET /contexts/{kind}/{item_id}",       "401     404     404      404       200    200    200    200",
        "an order of the author's", names=AN_ORDER),
    Row("PUT /contexts/{kind}/{item_id}",       "401     403     403      403       403    403    200    403",
        body={"title": "A table", "seller_id": "{sol}"}),
    Row("PUT /contexts/{kind}/{item_id}",       "401     403     403      403       403    403    200    403",
        "an order of the author's", body={"title": "An order"}, names=AN_ORDER),
    Row("GET /conversations",                   "401     200     200      200       200    200    200    200"),
    Row("POST /conversations",                  "401     201     201      400       200    201    400    201",
        "about a listing", body={"context": LISTING}),
    Row("POST /conversations",                  "401     404     404      404       200    200    400    404",
        "about an order of the author's", body={"context": ORDER}),
    Row("POST /conversations",                  "401     400     201      201       201    201    201    201",
        "with the stranger", body={"participants": [{"user_id": "{eve}"}]}),
    Row("POST /conversations",                  "401     403     403      403       403    403    201    403",
        "of several people", body={"participants": SEVERAL}),
    Row(f"GET {ONE}",                           "401     404     404      200       200    200    200    200"),
    Row(f"PATCH {ONE}",                         "401     404     404      200       200    200    200    200",
        "close", body={"state": "closed"}),
    Row(f"PATCH {ONE}",                         "401     404     404      200       200    200    400    400",
        "mute", body={"is_muted": True}),
    Row(f"POST {PEOPLE}",                       "401     404     404      403       403    201    201    201",
        "another", body={"user_id": "{eve}", "role": "agent"}),
    Row(f"POST {PEOPLE}",                       "401     404     404      403       403    200    201    201",
        "oneself", body={"user_id": "{self}", "role": "agent"}),
    Row(f"DELETE {FROM}",                       "401     404     404      403       403    204    204    204",
        "another", names=(("user_id", "{other}"),)),
    Row(f"DELETE {FROM}",                       "401     404     404      204       204    204    404    404",
        "oneself", names=(("user_id", "{self}"),)),
    Row("GET /unread",                          "401     200     200      200       200    200    200    200"),
    Row(f"PUT {ONE}/typing",                    "401     404     404      204       204    204    404    404",
        body={"is_typing": True}),
    Row(f"GET {ONE}/messages",                  "401     404     404      200       200    200    200    200"),
    Row(f"POST {ONE}/messages",                 "401     404     404      201       201    201    201    404",
        body=DRAFT),
    Row(f"POST {ONE}/messages",                 "401     403     403      403       403    403    201    403",
        "a system message", body={**DRAFT, "kind": "system"}),
    Row("GET /messages/{message_id}",           "401     404     404      200       200    200    200    200"),
    Row("PATCH /messages/{message_id}",         "401     404     404      403       200    403    403    403",
        body={"body": "It is"}),
    Row("DELETE /messages/{message_id}",        "401     404     404      403       200    403    403    200"),
    Row("GET /messages",                        "401     200     200      200       200    200    200    200",
        query="box=inbox"),
    Row(f"PUT {ONE}/receipt",                   "401     404     404      200       200    200    404    404",
        body={"read_seq": 1}),
    Row("PUT /receipts",                        "401     200     200      200       200    200    200    200",
        body={"context": "listing:{item_id}"}),
    Row("GET /events/stream",                   "401     200     200      200       200    200    200    200"),
    Row("POST /events/stream",                  "401     200     200      200       200    200    200    200"),
    Row("GET /events",                          "401     200     200      200       200    200    200    200",
        query="wait=0"),
    Row("POST /stream-tickets",                 "401     201     201      201       201    201    201    201"),
    Row("POST /session",                        "401     201     201      201       201    201    201    201"),
    Row("DELETE /session",                      "401     204     204      204       204    204    204    204"),
]
# fmt: on

# What every one of these answers to anybody, with or without a token.
OPEN = ("GET /health/live", "GET /health/ready", "GET /metrics")

# Routes that stand in no description, and are open to all: pages, their files, and the description itself.
HIDDEN = {"/docs", "/docs/openapi.json", "/doctor", "/parley.js", "/static/{folder:str}/{path:path}"}
HIDDEN |= {"/openapi", "/openapi/openapi.json", "/openapi/{path:str}"}  # Litestar's own, as JSON
CELLS = [(row, who, int(status)) for row in TABLE for who, status in zip(WHO, row.expected.split(), strict=True)]


def filled(text: str, names: dict[str, str]) -> str:
    """The words in braces replaced, also where a word stands for another."""
    return re.sub(r"\{(\w+)\}", lambda found: filled(names[found[1]], names), text)


async def call(stage: Stage, who: str, row: Row) -> httpx.Response:
    """Make a row's call as somebody."""
    return await call_as(stage, stage.client(who), who, row)


async def call_as(
    stage: Stage, client: httpx.AsyncClient, who: str, row: Row, *, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Make a row's call with this client, as it concerns `who`. Of a stream only the head is read."""
    other = "sol" if who == "author" else "bea"
    names = {**stage.names, "self": stage.id_of(who), "other": stage.names[other], "new": str(uuid.uuid4())}
    names |= dict(row.names)
    method, path = filled(row.call, names).split(" ")
    query = f"?{filled(row.query, names)}" if row.query else ""
    async with client.stream(method, path + query, json=_body(row.body, names), headers=headers) as answer:
        if not ("stream" in path and answer.is_success):
            await answer.aread()
        return answer


def _body(said: Any, names: dict[str, str]) -> Any:
    """A body with its words in braces filled in."""
    if isinstance(said, dict):
        return {key: _body(value, names) for key, value in said.items()}
    if isinstance(said, list):
        return [_body(value, names) for value in said]
    return filled(said, names) if isinstance(said, str) else said


def name_of(value: Any) -> str | None:
    return f"{value.call} {value.case}".strip() if isinstance(value, Row) else None


@pytest.mark.parametrize(("row", "who", "status"), CELLS, ids=name_of)
async def test_a_call_does_what_the_table_says_and_refused_it_does_nothing(
    stage: Stage, new_stage: NewStage, row: Row, who: str, status: int
) -> None:
    if status < 400:
        answer = await call(stage if row.call.startswith("GET ") else await new_stage(), who, row)
        assert status == answer.status_code, answer.text
        return
    assert (status, CODES[status]) == refusal(await call(stage, who, row))[:2]
    assert stage.untouched == await seen(stage)


async def test_every_call_of_the_description_has_its_row(server: Server, nobody: httpx.AsyncClient) -> None:
    """A new call needs a row: what it should answer to everybody is decided before it is open to everybody."""
    described = ok(await nobody.get(f"{server.url}/docs/openapi.json"))["paths"]
    calls = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    rows = {row.call.replace(" ", " /api/v1", 1) for row in TABLE} | set(OPEN)
    assert (set(), set()) == (calls - rows, rows - calls)


@pytest.mark.parametrize("of", OPEN)
async def test_what_is_open_to_all_is_open_to_all(server: Server, stage: Stage, of: str) -> None:
    path = of.removeprefix("GET ")
    answers = [await client.get(server.url + path) for client in (stage.nobody, stage.cast.eve.http)]
    assert [200, 200] == [answer.status_code for answer in answers]


@pytest.mark.filterwarnings("ignore")
def test_no_route_hides_from_the_description_but_pages_and_their_files() -> None:
    from app.asgi import create_app  # noqa: PLC0415  under the filter: Litestar warns of old words in our routes

    app = create_app(Settings(jwt_secret=SECRET, send_limit=None, open_limit=None, auth_failure_limit=None)).app
    described = {re.sub(r":\w+\}", "}", path) for path in app.openapi_schema.to_schema()["paths"]}
    routes = {route.path for route in app.routes}
    assert HIDDEN >= {path for path in routes if re.sub(r":\w+\}", "}", path) not in described}
