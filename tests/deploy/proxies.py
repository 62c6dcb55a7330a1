"""Runs the proxies with the very files of docs/deploy; only addresses and certificates are the test's own."""

from __future__ import annotations

import asyncio
import datetime
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.browser.proxies.real import SEARCHED, USER
from tests.harness import ROOT, eventually, free_port

DEPLOY = ROOT / "docs" / "deploy"
COMMANDS = {
    "nginx.conf": ("nginx", "-e", "stderr", "-c"),
    "haproxy.cfg": ("haproxy", "-db", "-f"),
    "Caddyfile": ("caddy", "run", "--adapter", "caddyfile", "--config"),
}
# What stands around a site in a real configuration, which is not ours to recommend.
NGINX = """
daemon off;
master_process off;
pid @HOME@/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path @HOME@/body;
    proxy_temp_path @HOME@/proxy;
    fastcgi_temp_path @HOME@/fastcgi;
    uwsgi_temp_path @HOME@/uwsgi;
    scgi_temp_path @HOME@/scgi;
    @SITE@
}
"""
CADDY = """{
	admin off
	skip_install_trust
	auto_https disable_redirects
	default_bind 127.0.0.1
	storage file_system @HOME@/storage
}
@SITE@
"""
AROUND = {"nginx.conf": NGINX, "haproxy.cfg": "@SITE@", "Caddyfile": CADDY}


@asynccontextmanager
async def before(workers: tuple[int, int], name: str) -> AsyncIterator[str]:
    """The address of this proxy before workers at these two ports."""
    port = free_port()
    home = Path(tempfile.mkdtemp(prefix="parley-deploy-"))
    config = home / name
    config.write_text(_filled(name, home, port, workers))
    _make_certificate(home)
    process = _start(name, home, config)
    url = f"https://localhost:{port}"
    try:
        async with httpx.AsyncClient(verify=False) as client:

            async def is_there() -> bool:
                assert process.poll() is None, (home / "log").read_text(errors="replace")
                try:
                    return (await client.get(f"{url}/health/ready")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(is_there)
        yield url
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
        print((home / "log").read_text(errors="replace"))  # seen when a test fails
        shutil.rmtree(home, ignore_errors=True)


def _filled(name: str, home: Path, port: int, workers: tuple[int, int]) -> str:
    site = (DEPLOY / name).read_text()
    places = {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "bind :443": f"bind 127.0.0.1:{port}",
        "chat.shop.example {": f"https://localhost:{port} {{",
        "/etc/ssl/": f"{home}/",
        "127.0.0.1:8001": f"127.0.0.1:{workers[0]}",
        "127.0.0.1:8002": f"127.0.0.1:{workers[1]}",
    }
    for told, given in places.items():
        site = site.replace(told, given)
    assert ":800" not in site, "an address that the test does not know"
    return AROUND[name].replace("@SITE@", site).replace("@HOME@", str(home))


def _make_certificate(home: Path) -> None:
    """Of nobody's authority, under the names that the files have."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    (home / "chat.shop.example.key").write_bytes(private)
    (home / "chat.shop.example.pem").write_bytes(public + private)


def _start(name: str, home: Path, config: Path) -> subprocess.Popen[bytes]:
    command = COMMANDS[name]
    path = shutil.which(command[0], path=SEARCHED)
    assert path is not None, f"{command[0]} is not installed: `make test` does it on Debian and Ubuntu"
    with (home / "log").open("wb") as log:
        if USER is not None:
            for mine in (home, *home.iterdir()):
                shutil.chown(mine, USER)
        return subprocess.Popen(
            [path, *command[1:], str(config)],
            cwd=home,
            env={
                **os.environ,
                "PATH": SEARCHED,
                "HOME": str(home),
                "XDG_DATA_HOME": str(home),
                "XDG_CONFIG_HOME": str(home),
            },
            user=USER,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
