"""/health, /metrics and the log file: what operators see, and what they must not."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.answers import draft, ok, send
from tests.api.conftest import CastAt
from tests.conftest import NewServer
from tests.harness import Cast, Server, eventually

METRICS = {
    "parley_streams": "gauge",
    "parley_polls": "gauge",
    "parley_events_delivered_total": "counter",
    "parley_signals_total": "counter",
    "parley_resets_total": "counter",
    "parley_batch_size": "histogram",
    "parley_commit_seconds": "histogram",
    "parley_delivery_lag_seconds": "histogram",
    "parley_listener_deaf_seconds_total": "counter",
    "parley_rate_unanswered_total": "counter",
    "parley_tail_events": "gauge",
    "parley_tail_bytes": "gauge",
    "parley_log_position": "gauge",
    "parley_pool_connections": "gauge",
}


@pytest.fixture
async def operator(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a token, at the top of the server."""
    async with httpx.AsyncClient(base_url=server.url, verify=False) as client:
        yield client


async def value(operator: httpx.AsyncClient, name: str) -> float:
    text = (await operator.get("/metrics")).text
    return sum(float(found) for found in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))


async def test_a_live_and_ready_server_says_so(operator: httpx.AsyncClient) -> None:
    assert {"status": "alive"} == ok(await operator.get("/health/live"))
    assert {"status": "ready", "reasons": {}} == ok(await operator.get("/health/ready"))


async def test_metrics_are_what_prometheus_reads(operator: httpx.AsyncClient) -> None:
    answer = await operator.get("/metrics")
    assert 200 == answer.status_code
    assert answer.headers["content-type"].startswith("text/plain")
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", answer.text, re.MULTILINE))
    assert kinds | METRICS == kinds
    helps = dict(re.findall(r"^# HELP (\S+) (.+)$", answer.text, re.MULTILINE))
    assert all(helps[name].endswith(".") for name in METRICS)


async def test_metrics_tell_nothing_about_people(operator: httpx.AsyncClient, cast: Cast) -> None:
    mark = f"secret{uuid.uuid4().hex}"
    await cast.bea.say(cast.conversation_id, mark)
    text = (await operator.get("/metrics")).text
    assert [] == [word for word in (mark, cast.bea.id, cast.conversation_id, cast.listing) if word in text]


async def test_metrics_move_with_what_happens(operator: httpx.AsyncClient, cast: Cast) -> None:
    names = ("parley_log_position", "parley_events_delivered_total", "parley_batch_size_count", "parley_resets_total")
    before = [await value(operator, name) for name in names]
    async with cast.sol.stream("zzz-1") as stream:
        await cast.bea.say(cast.conversation_id, "Hi")
        await stream.next("message.sent")
        assert 1 <= await value(operator, "parley_streams")
        await cast.sol.put(f"/conversations/{cast.conversation_id}/receipt", read_seq=1)
        await stream.next("receipt.moved")

    async def have_all_moved() -> bool:
        after = [await value(operator, name) for name in names]
        return all(later > earlier for earlier, later in zip(before, after, strict=True))

    await eventually(have_all_moved, within=5)
    assert 2 <= await value(operator, "parley_tail_events")


async def test_the_log_file_has_neither_bodies_nor_tokens_nor_names(new_server: NewServer, cast_at: CastAt) -> None:
    """Of good calls and of every kind of refusal."""
    server = await new_server(DRAIN_SECONDS="0", SEND_LIMIT="20/3600")
    cast = await cast_at(server)
    mark, name = f"secret{uuid.uuid4().hex}", f"Name{uuid.uuid4().hex}"
    path = f"/conversations/{cast.conversation_id}"
    message = (await cast.bea.say(cast.conversation_id, mark))["message"]
    await cast.bea.patch(f"/messages/{message['id']}", body=f"{mark} edited")
    await cast.shop.put(f"/contexts/listing/{cast.listing}", title=mark, seller_id=cast.sol.id)
    await cast.bea.patch("/me", status_text=mark)
    await cast.bea.get("/conversations", q=mark)
    for said in (draft(mark, nonsense=1), draft(f"{mark}\x07"), draft(mark, kind="image"), draft(mark, reply_to=mark)):
        assert (await send(cast.bea, cast.conversation_id, said)).is_error
    for _ in range(25):
        await send(cast.bea, cast.conversation_id, draft(mark))
    await cast.bea.http.get("/me", headers={"Authorization": f"Bearer {mark}"})
    await cast.bea.http.get("/events/stream", params={"ticket": mark})
    ticket = ok(await cast.bea.post("/stream-tickets"), 201)["ticket"]
    async with cast.bea.http.stream("GET", "/events/stream", params={"ticket": ticket}) as response:
        await anext(response.aiter_text())
    await cast.bea.http.put(f"{path}/receipt", content=b'{"read_seq": 1e999}')
    await cast.eve.get(path)
    await cast.bea.delete(f"/messages/{message['id']}")
    assert 204 == (await cast.bea.delete("/session")).status_code
    assert 0 == await server.stop()
    log = server.log
    secrets = {"a body": mark, "a token": cast.bea.token, "a ticket": ticket, "a name": name, "a user": cast.bea.id}
    assert [] == [what for what, word in secrets.items() if word in log]
    assert "listening" in log, "there is a log at all"


async def test_every_line_of_the_log_file_is_one_json_object(new_server: NewServer) -> None:
    server = await new_server(DRAIN_SECONDS="0")
    assert 0 == await server.stop()
    lines = [line for line in server.log.splitlines() if line.startswith("{")]
    said = [json.loads(line) for line in lines]
    assert said
    assert all({"event", "level", "timestamp"} <= set(one) for one in said)
    assert "Traceback" not in server.log


async def test_a_server_that_drains_is_not_ready(new_server: NewServer) -> None:
    """The load balancer sends nobody new; whoever is there is still answered."""
    server = await new_server(DRAIN_SECONDS="3")
    assert server.process is not None
    server.process.terminate()
    async with httpx.AsyncClient(base_url=server.url, verify=False) as client:
        while (answer := await client.get("/health/ready")).status_code == 200:
            pass
        assert (503, "not ready", ["draining"]) == (
            answer.status_code,
            answer.json()["status"],
            [*answer.json()["reasons"]],
        )
        assert 200 == (await client.get("/health/live")).status_code
    server.kill()


async def test_the_demo_is_only_there_in_the_demo(server: Server, operator: httpx.AsyncClient) -> None:
    """Else anybody could get anybody's token."""
    answers = [await operator.post("/demo/logins/bea"), await operator.get("/"), await operator.get("/demo/orders")]
    assert [404, 404, 404] == [answer.status_code for answer in answers]


async def test_the_demo_has_a_cast_with_something_to_talk_about(new_server: NewServer) -> None:
    server = await new_server("--demo", DRAIN_SECONDS="0")
    async with httpx.AsyncClient(base_url=server.url, verify=False) as client:
        login = ok(await client.post("/demo/logins/bea"), 201)
        headers = {"Authorization": f"Bearer {login['token']}"}
        assert "bea" == login["user_id"]
        about = ok(await client.get("/api/v1/conversations", headers=headers))["conversations"]
        assert {"listing", "order", "request", "service"} == {one["context"]["kind"] for one in about}
        assert 404 == (await client.post("/demo/logins/root")).status_code
        paths = ("/", "/items/listing/oak-table", "/services", "/orders", "/orders/1001", "/inbox", "/desk", "/login")
        assert {200} == {(await client.get(path)).status_code for path in (*paths, f"/chat/{about[0]['id']}", "/docs")}
