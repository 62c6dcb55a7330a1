"""`make figures`: what people in a browser feel, measured in a real Chromium against a demo shop on this machine."""

from __future__ import annotations

import asyncio
import statistics
import sys
import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from playwright.async_api import Browser, CDPSession, Page

from loadtests.bench.report import Report, Row, at_most, told
from tests.browser.conftest import chromium
from tests.browser.stage import demo_shop
from tests.browser.talk import conversation_of, in_demo, sign_in

ABOUT = "listing:oak-table"
LOADS = 10
SENDS = 100
LONG = 1_000
EVENTS = 10_000
EVENTS_AT_FIRST = 2_000  # by then the page holds as many messages as it ever keeps
AT_ONCE = 20
WAIT_MS = 60_000

# Runs before the page's own scripts. Times are wall clock in ms, to be compared between pages of one machine.
EYE = """
window.rows = () => document.querySelector("parley-thread")?.shadowRoot.querySelectorAll("li.row:not(.pending)") ?? [];
window.now = () => performance.timeOrigin + performance.now();
window.long = [];
const keep = (list) => long.push(...list.getEntries().map(({ duration }) => duration));
new PerformanceObserver(keep).observe({ type: "longtask" });
const look = () => { if (rows().length > 0) window.firstAt = performance.now(); else requestAnimationFrame(look); };
requestAnimationFrame(look);
window.whenSeen = (text) => new Promise((resolve) => {
  const look = () => {
    const thread = document.querySelector("parley-thread").shadowRoot;
    for (const row of [...thread.querySelectorAll("li.row")].slice(-3))
      if (row.textContent.includes(text)) return resolve(now());
    requestAnimationFrame(look);
  };
  look();
});
"""
WRITE = """async (text) => {
  const input = document.querySelector("parley-thread").shadowRoot.querySelector("textarea");
  input.value = text;
  input.dispatchEvent(new InputEvent("input", { bubbles: true }));
  await new Promise(requestAnimationFrame);
  const at = now();
  input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  return [at, await whenSeen(text)];
}"""
# One screen every two frames, as fast as somebody turns a wheel; up, or down again.
SCROLL = """async ([by, until]) => {
  const scroller = document.querySelector("parley-thread").shadowRoot.querySelector(".scroller");
  let frames = 0, last = performance.now(), slowest = 0;
  const isDone = () => (by < 0 ? rows().length >= until && scroller.scrollTop === 0
    : scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 1);
  while (!isDone()) {
    scroller.scrollTop += by;
    for (let i = 0; i < 2; i += 1) {
      await new Promise(requestAnimationFrame);
      slowest = Math.max(slowest, performance.now() - last);
      last = performance.now();
      frames += 1;
    }
  }
  return { frames, slowest };
}"""


async def visit(browser: Browser, shop: str, conversation_id: str, user_id: str) -> Page:
    """A thread on a page of its own, in a profile that has never seen it."""
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page = await context.new_page()
    await page.add_init_script(EYE)
    await page.goto(f"{shop}/chat/{conversation_id}?as={user_id}", wait_until="commit")
    await page.wait_for_function("() => window.firstAt !== undefined", timeout=WAIT_MS)
    return page


async def loading(browser: Browser, shop: str, conversation_id: str) -> tuple[list[Row], Any]:
    """A cold load: until a message can be seen, and what has come over the wire by then and shortly after."""
    times: list[float] = []
    sizes = Sizes()
    for _ in range(LOADS):
        context = await browser.new_context(viewport={"width": 390, "height": 844})
        page = await context.new_page()
        sizes = await Sizes().watch(await context.new_cdp_session(page))
        await page.add_init_script(EYE)
        await page.goto(f"{shop}/chat/{conversation_id}?as=bea", wait_until="commit")
        await page.wait_for_function("() => window.firstAt !== undefined", timeout=WAIT_MS)
        times.append(await page.evaluate("firstAt"))
        await page.wait_for_function("() => document.querySelector('parley-thread').connection.status.phase === 'live'")
        await context.close()
    rows = [
        at_most("first message visible after a cold load, slowest of 10", max(times), 1_000, " ms"),
        told("  half of the loads", statistics.median(times), " ms"),
        at_most("a thread page in all, compressed", sum(sizes.bodies.values()) / 1024, 60, " KB"),
        *(told(f"  of that: {kind}", size / 1024, " KB") for kind, size in sorted(sizes.bodies.items())),
        told("  its answers", sizes.answers),
        told("  and their heads, by HTTP/1.1", sizes.heads / 1024, " KB"),
    ]
    return rows, {"first_message_ms": times, "bodies": sizes.bodies, "heads": sizes.heads}


class Sizes:
    """Bytes on the wire while a page loads: bodies by kind, and the heads of all."""

    def __init__(self) -> None:
        self.bodies: dict[str, float] = defaultdict(float)
        self.heads = 0.0
        self.answers = 0
        self.kinds: dict[str, str] = {}
        self.heads_of: dict[str, float] = {}

    async def watch(self, session: CDPSession) -> Sizes:
        session.on("Network.responseReceived", self._begun)
        session.on("Network.loadingFinished", self._ended)
        await session.send("Network.enable")
        return self

    def _begun(self, event: dict[str, Any]) -> None:
        self.kinds[event["requestId"]] = event["type"]
        self.heads_of[event["requestId"]] = event["response"]["encodedDataLength"]

    def _ended(self, event: dict[str, Any]) -> None:
        head = self.heads_of.get(event["requestId"], 0.0)
        self.bodies[self.kinds.get(event["requestId"], "Other")] += event["encodedDataLength"] - head
        self.heads += head
        self.answers += 1


async def sending(browser: Browser, shop: str, conversation_id: str) -> tuple[list[Row], Any]:
    """From the Enter key to one's own bubble, and to the other's browser."""
    bea = await visit(browser, shop, conversation_id, "bea")
    sol = await visit(browser, shop, conversation_id, "sol")
    own: list[float] = []
    other: list[float] = []
    for number in range(SENDS):
        text = f"Message {number} {uuid.uuid4().hex}"
        seen = asyncio.create_task(sol.evaluate("text => whenSeen(text)", text))
        at, shown = await bea.evaluate(WRITE, text)
        own.append(shown - at)
        other.append(await seen - at)
    rows = [
        at_most("from the key to one's own bubble, 95 %", _percentile(own, 95), 50, " ms"),
        told("  half of them", statistics.median(own), " ms"),
        at_most("from the key to the other's browser, 95 %", _percentile(other, 95), 150, " ms"),
        told("  half of them", statistics.median(other), " ms"),
    ]
    for page in (bea, sol):
        await page.context.close()
    return rows, {"own_ms": own, "other_ms": other}


async def scrolling(browser: Browser, shop: str, conversation_id: str) -> tuple[list[Row], Any]:
    """Up through a thousand messages, page by page as they come, and down again."""
    await say_many(shop, conversation_id, LONG)
    page = await visit(browser, shop, conversation_id, "sol")  # who has read what they wrote: it opens at the end
    await page.evaluate("long.length = 0")
    up = await page.evaluate(SCROLL, [-700, LONG])
    down = await page.evaluate(SCROLL, [700, LONG])
    tasks = await page.evaluate("long")
    shown = await page.evaluate("rows().length")
    await page.context.close()
    rows = [
        at_most("scrolling through 1,000 messages, longest task", max(tasks, default=0), 100, " ms"),
        told("  tasks over 50 ms", len(tasks)),
        told("  messages on the page", shown),
        told("  slowest frame upwards", up["slowest"], " ms"),
        told("  slowest frame downwards", down["slowest"], " ms"),
    ]
    return rows, {"long_tasks_ms": tasks, "up": up, "down": down}


async def memory(browser: Browser, shop: str, conversation_id: str) -> tuple[list[Row], Any]:
    """What a page that stays open keeps after ten thousand messages have come by."""
    await read_all(shop, "bea")
    page = await visit(browser, shop, conversation_id, "bea")
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    seen: list[dict[str, float]] = []
    for count in range(EVENTS_AT_FIRST, EVENTS + 1, EVENTS_AT_FIRST):
        last = await say_many(shop, conversation_id, EVENTS_AT_FIRST)
        await page.evaluate("text => whenSeen(text)", last)
        await session.send("HeapProfiler.collectGarbage")
        found = (await session.send("Performance.getMetrics"))["metrics"]
        metrics = {metric["name"]: metric["value"] for metric in found}
        seen.append({"events": count, "heap": metrics["JSHeapUsedSize"], "nodes": metrics["Nodes"]})
    await page.context.close()
    growth = 100 * (seen[-1]["heap"] / seen[0]["heap"] - 1)
    rows = [
        at_most("memory after 10,000 messages, above that after 2,000", growth, 10, " %"),
        *(told(f"  after {one['events']:,.0f}", one["heap"] / 1024 / 1024, " MB") for one in seen),
        told("  elements of the page at the end", seen[-1]["nodes"]),
    ]
    return rows, seen


async def say_many(shop: str, conversation_id: str, count: int) -> str:
    """Somebody else sends so many messages, some at a time; gives the text of one that was sent after all others."""
    last = f"The last one {uuid.uuid4().hex}"
    async with in_demo(shop) as client:
        await sign_in(client, "sol")

        async def say(body: str) -> None:
            message = {"client_id": str(uuid.uuid4()), "body": body}
            path = f"/api/v1/conversations/{conversation_id}/messages"
            while (answer := await client.post(path, json=message)).status_code == 503:
                pass  # it waits by itself, and the same `client_id` is the same message
            answer.raise_for_status()

        for start in range(1, count, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, count))
            await asyncio.gather(*(say(f"Message {number}. " + "And so on. " * (number % 7)) for number in numbers))
        await say(last)
    return last


async def read_all(shop: str, user_id: str) -> None:
    """So that a conversation opens at its end."""
    async with in_demo(shop) as client:
        await sign_in(client, user_id)
        cursor = (await client.get("/api/v1/me")).json()["cursor"]
        (await client.put("/api/v1/receipts", json={"cursor": cursor})).raise_for_status()


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


MEASURES = {measure.__name__: measure for measure in (loading, sending, scrolling, memory)}


async def main(names: Sequence[str]) -> int:
    """Measure these, or all; print the table; 1 when a target was missed."""
    report = Report(postgres_version="embedded", is_quick=False)
    async with demo_shop() as shop, chromium() as browser:
        conversation_id = await conversation_of(shop, "bea", ABOUT)
        for name in names or MEASURES:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows, report.raw[name] = await MEASURES[name](browser, shop, conversation_id)
            report.rows[(MEASURES[name].__doc__ or "").splitlines()[0]] = rows
    print(report.table())
    return 0 if report.is_all_reached() else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
