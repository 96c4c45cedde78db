"""Two servers behind nginx, as deploy/nginx.conf has it: a conversation goes on whichever of them answers."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from qa.bot import Bot
from qa.config import Settings
from qa.index import load_index
from qa.live import LiveBot
from qa.reload import Reloader
from qa.types import Encoder
from qa.web import create_app
from tests.archives import said, until, until_more
from tests.sites import listening
from tests.test_assistants import call
from tests.test_ui import Session

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "deploy" / "nginx.conf"
NGINX = Path("/usr/sbin/nginx")

#: Each is asked with those before it as its history; all but the first lean on one of them.
CONVERSATION = (
    "Welche Waffen könnte Südkorea an die Ukraine liefern?",
    "Und wie reagiert Russland darauf?",
    "Wie viele Soldaten sind es?",
    "Warum?",
    "What did Seoul say about it?",
    "and when?",
)


@dataclass(frozen=True)
class Site:
    """The proxy's address, and its log: one line a request, with the server that it went to."""

    address: str
    log: Path

    def client(self, source: str = "127.0.0.1") -> httpx.Client:
        """A client of the site, at an address of its own."""
        transport = httpx.HTTPTransport(verify=False, local_address=source)
        return httpx.Client(base_url=self.address, transport=transport, timeout=60, trust_env=False)

    def asked(self, path: str) -> list[str]:
        """The servers that requests to paths beginning so went to, in order."""
        lines = (line.split() for line in self.log.read_text(encoding="utf-8").splitlines())
        return [server for server, asked in lines if asked.startswith(path)]


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "site.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "site.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return folder / "site.crt", folder / "site.key"


def configured(folder: Path, port: int, servers: list[str]) -> str:
    """The deployment's file with this machine's addresses and paths in place of its own, each put in once or twice."""
    text = CONFIG.read_text(encoding="utf-8")
    first, second = (server.removeprefix("http://") for server in servers)
    crt, key = certificate(folder)
    for found, put, times in (
        (r"server 127\.0\.0\.1:7860;", f"server {first};", 2),
        (r"# server 127\.0\.0\.1:7861;", f"server {second};", 2),
        (r"listen 443 ssl", f"listen 127.0.0.1:{port} ssl", 1),
        (r"/etc/ssl/qa\.intern\.crt", str(crt), 1),
        (r"/etc/ssl/qa\.intern\.key", str(key), 1),
    ):
        text, count = re.subn(found, put, text)
        assert count == times, found
    return text


def around(folder: Path, site: str) -> str:
    """What /etc/nginx/nginx.conf is on a server: everything that is not the site's own, here within one folder."""
    temporary = "".join(
        f"    {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"{'user root;' if os.geteuid() == 0 else ''}\ndaemon off;\npid {folder}/nginx.pid;\nworker_processes 2;\n"
        f"error_log {folder}/error.log;\nevents {{}}\nhttp {{\n    log_format asked '$upstream_addr $uri';\n"
        f"    access_log {folder}/access.log asked;\n{temporary}{site}}}\n"
    )


@contextlib.contextmanager
def proxied(folder: Path, servers: list[str]) -> Iterator[Site]:
    """nginx with the deployment's file in front of these servers."""
    if not NGINX.exists():
        message = f"{NGINX} is missing: apt-get install nginx-light"
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI=true but {message}")
        pytest.skip(message)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = folder / "nginx.conf"
    config.write_text(around(folder, configured(folder, port, servers)), encoding="utf-8")
    command = [NGINX, "-p", folder, "-c", config, "-e", folder / "error.log"]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as nginx:
        try:
            until(lambda: answers(port))
            yield Site(f"https://127.0.0.1:{port}", folder / "access.log")
        finally:
            nginx.terminate()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@pytest.fixture(scope="module")
def site(seed_bot: Bot, encoder: Encoder, seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two servers in this process, each with an index and a bot of its own, behind nginx."""
    settings = Settings(
        articles=seeds, index=seed_bot.index.folder.parent, rate=100_000, widget=True, mcp=True, proxies=("127.0.0.1",)
    )
    with contextlib.ExitStack() as stack:
        servers = []
        for _ in range(2):
            bot = LiveBot(encoder, load_index(settings, encoder))
            stack.callback(bot.close)
            app = create_app(bot, settings=settings, reloader=Reloader(bot, settings))
            servers.append(stack.enter_context(listening(app)))
        yield stack.enter_context(proxied(tmp_path_factory.mktemp("nginx"), servers))


def alone(bot: Bot, number: int) -> dict[str, Any]:
    """The answer to a question of the conversation, as one bot gives it."""
    answer = bot.ask(CONVERSATION[number], history=CONVERSATION[:number])
    return json.loads(json.dumps(said(answer.to_dict())))


@pytest.mark.parametrize("streamed", [False, True])
def test_the_servers_answer_a_conversation_by_turns(site: Site, seed_bot: Bot, streamed: bool) -> None:
    before = len(site.asked("/api/ask"))
    with site.client() as client:
        for number, question in enumerate(CONVERSATION):
            asked = {"question": question, "history": CONVERSATION[:number], "stream": streamed}
            reply = client.post("/api/ask", json=asked)
            assert reply.status_code == 200
            data = reply.text.rpartition("event: answer\ndata: ")[2] if streamed else reply.text
            assert said(json.loads(data)) == alone(seed_bot, number)
    until(lambda: len(site.asked("/api/ask")) == before + len(CONVERSATION))
    servers = site.asked("/api/ask")[before:]
    assert len(set(servers)) == 2
    assert all(one != other for one, other in pairwise(servers))


def test_the_widget_and_assistants_need_no_server_of_their_own(site: Site, seed_bot: Bot) -> None:
    with site.client() as client:
        for path in ("/widget.js", "/widget", "/static/qa/widget-frame.js", "/static/qa/widget.css"):
            replies = [client.get(path) for _ in range(2)]
            assert [reply.status_code for reply in replies] == [200, 200]
            assert replies[0].content == replies[1].content
            assert replies[0].headers.get("etag") == replies[1].headers.get("etag")
        listed = [client.get("/api/articles", params={"limit": 3}).json() for _ in range(2)]
        assert listed[0] == listed[1]
        for one in listed[0]["articles"]:
            texts = {client.get(f"/api/articles/{one['id']}").text for _ in range(2)}
            pages = {client.get(f"/article/{one['id']}").text for _ in range(2)}
            assert (len(texts), len(pages)) == (1, 1)
        for number in range(2):
            given = {"question": CONVERSATION[number], "history": list(CONVERSATION[:number])}
            result = call(client, "tools/call", name="ask_articles", arguments=given)
            assert said(result["structuredContent"]) == alone(seed_bot, number)
    assert len(set(site.asked("/mcp"))) == len(set(site.asked("/widget"))) == 2


def test_each_conversation_of_the_page_stays_with_its_server(site: Site, seed_bot: Bot) -> None:
    """Clients at different addresses come to different servers, and each keeps its own."""
    servers = set()
    for last in range(2, 50):  # which address comes to which depends on the ports of the servers
        if len(servers) == 2 and last >= 8:
            break
        before = len(site.asked("/gradio_api/queue"))
        with site.client(f"127.0.0.{last}") as client:
            session = Session(client, "de")
            for number in range(3):
                turns = session.ask(CONVERSATION[number])
                assert len(turns) == 2 * (number + 1)
                shown = re.sub("</?strong[^>]*>", "", unescape(turns[-1]))
                expected = seed_bot.ask(CONVERSATION[number], history=CONVERSATION[:number])
                assert all(citation.quote in shown for citation in expected.citations)
        until(lambda wanted=before + 6: len(site.asked("/gradio_api/queue")) == wanted)
        mine = set(site.asked("/gradio_api/queue")[before:])
        assert len(mine) == 1
        servers |= mine
    assert len(servers) == 2


@contextlib.contextmanager
def started(folder: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """``qa serve`` over ``folder`` on a free port: its address, and the process."""
    quick = {"QA_RELOAD_SECONDS": "0.1", "QA_WATCH_SECONDS": "0.2", "QA_SETTLE_SECONDS": "0.5", "QA_RATE": "100000"}
    with (folder / f"log{len(options[0])}").open("w", encoding="utf-8") as log:
        command = [sys.executable, "-m", "qa", "serve", "--articles", "articles", "--index", "index", "--port", "0"]
        environ = os.environ | quick | {"PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [*command, *options], cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().removeprefix("article-qa is at ").strip().rstrip("/"), process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def ready(address: str) -> dict[str, Any]:
    return httpx.get(f"{address}/readyz", trust_env=False, timeout=30).json()


@dataclass
class Asking:
    """Questions put to the site from threads, and what came of them."""

    site: Site
    answers: list[dict[str, Any]]
    failures: list[object]

    def ask(self, number: int, stop: threading.Event) -> None:
        question = ("Wie viele Soldaten stehen in Kursk?", "Was kostet die neue Brücke?")[number % 2]
        with self.site.client() as client:
            while not stop.is_set():
                try:
                    reply = client.post("/api/ask", json={"question": question})
                    if reply.status_code != 200:
                        self.failures.append(reply.text)
                    self.answers.append(reply.json())
                except Exception as error:  # noqa: BLE001 - whatever it is, the test tells it
                    self.failures.append(error)
                    return

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        stop = threading.Event()
        threads = [threading.Thread(target=self.ask, args=(number, stop), daemon=True) for number in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)


@pytest.mark.slow
def test_two_processes_follow_the_articles_and_one_goes_on_without_the_other(tmp_path: Path, encoder: Encoder) -> None:
    """One ``qa serve --watch`` builds for both; the other began without an index."""
    articles = tmp_path / "articles"
    articles.mkdir()
    (articles / "a.md").write_text("In Kursk stehen 2.600 Soldaten. Das teilte Kiew mit.", encoding="utf-8")
    settings = Settings(articles=articles, index=tmp_path / "index")
    with started(tmp_path, "--no-build") as (waiting, killed), started(tmp_path, "--watch") as (building, stays):
        until(lambda: ready(waiting)["status"] == ready(building)["status"] == "ready")
        builds = [load_index(settings, encoder)]
        with proxied(tmp_path, [waiting, building]) as site:
            asking = Asking(site, [], [])
            with asking.going_on():
                until_more(asking.answers, 20, asking.failures)
                (articles / "b.md").write_text("Die neue Brücke kostet 14 Millionen Euro.", encoding="utf-8")
                until(lambda: ready(waiting)["articles"] == ready(building)["articles"] == 2)
                until_more(asking.answers, 20, asking.failures)
            assert asking.failures == []
            builds.append(load_index(settings, encoder))
            bots = {one.id: Bot(one, encoder) for one in builds}
            assert {answer["index_id"] for answer in asking.answers} == set(bots)
            for answer in asking.answers:
                expected = bots[answer["index_id"]].ask(answer["question"])
                assert said(answer) == json.loads(json.dumps(said(expected.to_dict())))
            killed.kill()
            killed.wait(30)
            with site.client() as client:
                for _ in range(10):
                    reply = client.post("/api/ask", json={"question": "Was kostet die neue Brücke?"})
                    assert reply.json()["citations"][0]["quote"] == "Die neue Brücke kostet 14 Millionen Euro."
        stays.terminate()
        assert stays.wait(30) == 0
    logged = (tmp_path / f"log{len('--no-build')}").read_text(encoding="utf-8")
    assert "it is taken into use once it is published" in logged
    assert logged.count("is in use: ") == 2
