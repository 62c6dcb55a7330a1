"""The client's modules, run by Node: the store on the examples of the documentation, the parser, and bad moments."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app import schemas
from app.api.examples import EVENTS

HERE = Path(__file__).parent
NODE = Path(sys.executable).parent / "node"
STORED = ("message.", "receipt.", "conversation.", "participant.", "presence")


def run(script: str, given: Any) -> str:
    done = subprocess.run(
        [NODE, HERE / script], input=json.dumps(given), capture_output=True, text=True, timeout=60, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def tell(story: str) -> None:
    """One of the stories of a page; each ends well or fails."""
    assert "done" == run("hearing.mjs", {"story": story})


@pytest.mark.parametrize("name", [name for name in EVENTS if name.startswith(STORED)])
def test_the_store_understands_every_documented_event(name: str) -> None:
    """Applied to a state that has the conversation, the example changes it; applied again, nothing more."""
    _, data = EVENTS[name]
    run("apply.mjs", {"type": name, "data": data})


def test_the_conversation_of_the_examples_is_one_of_the_api() -> None:
    """What the store is tested on is what the server would say."""
    _, opened = EVENTS["conversation.opened"]
    assert msgspec.convert(opened["conversation"], schemas.Conversation, strict=False)


def test_the_parser_takes_bytes_however_they_are_cut() -> None:
    """WHATWG HTML 9.2.6: one text, cut at every byte, gives the same events."""
    text = (
        ': hi\nretry: 1500\nid: e-1\nevent: message.sent\ndata: {"body": "Olá 🪑"}\n\n'
        "id: e-2\rdata: a\rdata:b\r\rdata\r\n\r\nignored: x\n\n"
    )
    said = json.loads(run("parse.mjs", {"text": text}))
    assert [
        {"type": "message.sent", "data": '{"body": "Olá 🪑"}', "id": "e-1"},
        {"type": "message", "data": "a\nb", "id": "e-2"},
        {"type": "message", "data": "", "id": "e-2"},
    ] == said["events"]
    assert 1500 == said["retryMs"]


@pytest.mark.parametrize("token", [None, "<html>\nBad Gateway"])
def test_what_is_written_while_the_shop_gives_no_token_is_sent_in_order(token: str | None) -> None:
    """It cannot be fetched, or what comes is none: the message waits, and the next one does not overtake it."""
    run("outbox.mjs", {"token": token})


def test_a_tab_that_is_told_of_a_reset_loads_until_it_succeeds() -> None:
    """What the leading tab tells meanwhile is kept for the new state."""
    run("tabs.mjs", None)


@pytest.mark.parametrize("page", ["opening", "older", "newer", "elsewhere"])
def test_a_page_of_history_brings_back_nothing_that_was_edited_or_unsent(page: str) -> None:
    """It was read before, and comes after the event."""
    run("thread.mjs", page)


def test_a_thread_that_begins_anew_keeps_what_comes_meanwhile() -> None:
    """After a reset as at first; it goes on to follow the end."""
    run("thread.mjs", "reset")


def test_an_answer_undoes_nothing_that_was_heard_while_it_was_on_its_way() -> None:
    """A conversation of a later page is fetched; what others say meanwhile is said once, and stays."""
    tell("meanwhile elsewhere")


def test_opening_a_conversation_undoes_nothing_that_was_heard_meanwhile() -> None:
    """The whole client: a link to a conversation that is not in the list yet, and a message in another one."""
    tell("opened meanwhile")


def test_what_is_heard_of_a_conversation_that_is_being_fetched_is_not_lost() -> None:
    """The answer may be older than the event, and is asked for once."""
    tell("meanwhile in it")


def test_a_conversation_that_could_not_be_fetched_is_asked_for_again() -> None:
    """When the stream is live; and once it is there no more."""
    tell("refused first")


def test_who_leaves_and_is_back_while_it_is_being_fetched_has_the_conversation() -> None:
    """An answer from before is none: the server is asked again."""
    tell("left and back")


def test_an_answer_from_before_a_reset_is_asked_for_again() -> None:
    """What happened between it and the new snapshot is told by nobody."""
    tell("loaded anew")
    tell("reset meanwhile")


def test_what_arrives_while_a_receipt_moves_is_delivered_too() -> None:
    """Three messages within a round trip, nobody has the thread open: two calls, and all are delivered."""
    tell("delivered meanwhile")


def test_a_receipt_that_failed_waits_for_the_next_message() -> None:
    """A server that is away is not asked at once again."""
    tell("delivered not")


@pytest.mark.parametrize("story", ["away", "an error's page", "two of whom nothing can be read", "refused", "hangs"])
def test_a_page_whose_shop_gives_no_token_waits_for_it(story: str) -> None:
    """As for a server that is away, and not for ever; only who is told that nobody is signed in is signed out."""
    assert "done" == run("token.mjs", story)


def test_what_was_refused_is_not_sent_by_another_page() -> None:
    """An offer of last week must not go out because the conversation is open again: only the person can decide."""
    run("refused.mjs", None)


@pytest.mark.parametrize("page", ["older overtaken", "newer overtaken"])
def test_a_page_that_comes_after_the_window_was_begun_anew_is_dropped(page: str) -> None:
    """It would stand before the end with a gap between them that nothing shows."""
    run("thread.mjs", page)


def test_what_is_tried_again_is_what_failed() -> None:
    """Who reads far back when a page fails stays there."""
    run("thread.mjs", "older again")


def test_who_is_taken_out_reads_what_is_here_and_let_in_again_what_was_missed() -> None:
    run("thread.mjs", "let in again")


def test_sharing_an_item_leaves_what_is_being_written() -> None:
    run("thread.mjs", "a card")
