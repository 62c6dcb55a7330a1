"""Runs nginx, HAProxy, Squid and Caddy for a test: in the foreground, with a config and a folder of their own.

Each config stands beside this file; `@PORT@`, `@UPSTREAM@` and `@HOME@` are put in when it is run, and `@README nginx@`
is what README.md recommends, word for word.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from tests.harness import ROOT, eventually, free_port

HERE = Path(__file__).parent
SEARCHED = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))  # Debian's users lack these
USER = "nobody" if os.geteuid() == 0 else None  # none of them needs to be root, and Squid refuses to be

ANYBODY = ssl.create_default_context()
ANYBODY.check_hostname, ANYBODY.verify_mode = False, ssl.CERT_NONE


class Kind(NamedTuple):
    """How to run one: `command` with `@CONFIG@` for the path of its config. `scheme` of what the browser opens."""

    config: str
    command: tuple[str, ...]
    scheme: str = "http"
    is_forward: bool = False


KINDS = {
    "nginx-buffering": Kind("nginx-buffering.conf", ("nginx", "-e", "stderr", "-c", "@CONFIG@")),
    "nginx": Kind("nginx.conf", ("nginx", "-e", "stderr", "-c", "@CONFIG@")),
    "haproxy": Kind("haproxy.cfg", ("haproxy", "-db", "-f", "@CONFIG@")),
    "haproxy-impatient": Kind("haproxy-impatient.cfg", ("haproxy", "-db", "-f", "@CONFIG@")),
    "squid": Kind("squid.conf", ("squid", "-N", "-d1", "-f", "@CONFIG@"), is_forward=True),
    "caddy": Kind("Caddyfile", ("caddy", "run", "--adapter", "caddyfile", "--config", "@CONFIG@"), scheme="https"),
}


class Proxy(NamedTuple):
    """A running proxy. `url` is what the browser opens; with a forward proxy that is the server itself, asked for at
    `forward`."""

    name: str
    port: int
    url: str
    forward: str | None
    log_path: Path

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")


@asynccontextmanager
async def running(name: str, upstream: int) -> AsyncIterator[Proxy]:
    """A proxy of this kind in front of the server at the port `upstream`."""
    kind = KINDS[name]
    port = free_port()
    home = Path(tempfile.mkdtemp(prefix=f"parley-{name}-"))  # not pytest's folder, which other users cannot enter
    url = f"http://127.0.0.1:{upstream}" if kind.is_forward else f"{kind.scheme}://localhost:{port}"
    proxy = Proxy(name, port, url, f"http://127.0.0.1:{port}" if kind.is_forward else None, home / "log")
    process = _start(kind, proxy, upstream)
    try:
        await eventually(lambda: _listens(process, proxy))
        yield proxy
    finally:
        process.kill()  # asked kindly, Squid and Caddy would wait for the streams to end
        await asyncio.to_thread(process.wait)
        shutil.rmtree(home, ignore_errors=True)


def _start(kind: Kind, proxy: Proxy, upstream: int) -> subprocess.Popen[bytes]:
    path = shutil.which(kind.command[0], path=SEARCHED)
    assert path is not None, f"{kind.command[0]} is not installed: `make browser` does it on Debian and Ubuntu"
    home = proxy.log_path.parent
    config = home / kind.config
    config.write_text(_filled((HERE / kind.config).read_text(), proxy, upstream))
    with proxy.log_path.open("wb") as log:
        if USER is not None:
            for mine in (home, config, proxy.log_path):
                shutil.chown(mine, USER)
        return subprocess.Popen(
            [path, *(str(config) if word == "@CONFIG@" else word for word in kind.command[1:])],
            cwd=home,
            env={"PATH": SEARCHED, "HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)},
            user=USER,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _filled(text: str, proxy: Proxy, upstream: int) -> str:
    readme = (ROOT / "README.md").read_text()

    def recommended(mark: re.Match[str]) -> str:
        block = re.search(rf"^```{mark[1]}\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
        assert block is not None, f"README.md recommends nothing for {mark[1]}"
        return block[1].replace("127.0.0.1:8000", "127.0.0.1:@UPSTREAM@").replace("chat.shop.example", proxy.url)

    text = re.sub(r"@README (\w+)@", recommended, text)
    for mark, value in (("@PORT@", proxy.port), ("@UPSTREAM@", upstream), ("@HOME@", proxy.log_path.parent)):
        text = text.replace(mark, str(value))
    return text


async def _listens(process: subprocess.Popen[bytes], proxy: Proxy) -> bool:
    """By TLS where that is spoken: Caddy listens before it has its certificate."""
    assert process.poll() is None, f"{proxy.name} ended: {proxy.log}"
    by_tls = {"ssl": ANYBODY, "server_hostname": "localhost"} if proxy.url.startswith("https") else {}
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port, **by_tls)  # type: ignore[arg-type]
    except OSError:
        return False
    writer.transport.abort()
    return True
