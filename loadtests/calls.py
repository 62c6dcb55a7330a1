"""A user's calls through locust's own client, so that each shows in its tables. Streams and polls are not here."""

from __future__ import annotations

import random
import time
from typing import Any, NamedTuple

import gevent
import msgspec
from locust import FastHttpUser

from loadtests.tokens import TokenError
from loadtests.wire import PREFIX, Away
from loadtests.worker import WORKER

PATIENCE_SECONDS = 40.0  # an outbox gives up later than this; a load test wants to end
RETRY_SECONDS = (0.2, 1.5)
AGAIN = frozenset((0, 429, 500, 502, 503, 504))  # 0: no answer at all


class Answer(NamedTuple):
    status: int
    body: Any

    @property
    def is_good(self) -> bool:
        return self.status in (200, 201, 204)


class Caller(FastHttpUser):
    """Somebody with a token. `user_id` is set before the first call."""

    abstract = True
    user_id = ""
    connection_timeout = 10.0
    network_timeout = 30.0

    def token(self) -> str:
        assert WORKER.tokens is not None
        return WORKER.tokens.of(self.user_id)

    def call(self, method: str, path: str, content: Any = None, *, name: str, token: str | None = None) -> Answer:
        """One attempt. Status 0 when no answer came."""
        try:
            headers = {"Authorization": f"Bearer {token or self.token()}"}
        except TokenError as error:
            return Answer(0, str(error))
        response = self.client.request(method, PREFIX + path, name=name, json=content, headers=headers)
        try:
            body = msgspec.json.decode(response.content or b"null")
        except msgspec.DecodeError:
            return Answer(0, response.content)
        if response.status_code == 401 and token is None:
            assert WORKER.tokens is not None
            WORKER.tokens.forget(self.user_id)
        return Answer(response.status_code, body)

    def insist(self, method: str, path: str, content: Any = None, *, name: str, token: str | None = None) -> Any:
        """The body of a good answer, tried again while the server is away, and once with a new token. Raises `Away`."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        has_new_token = token is not None
        while True:
            answer = self.call(method, path, content, name=name, token=token)
            if answer.is_good:
                return answer.body
            is_hopeless = answer.status not in AGAIN and (answer.status != 401 or has_new_token)
            if is_hopeless or time.monotonic() > deadline:
                raise Away(f"{method} {path} answered {answer.status}: {str(answer.body)[:300]}")
            has_new_token = has_new_token or answer.status == 401
            gevent.sleep(random.uniform(*RETRY_SECONDS))
