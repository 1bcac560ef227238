"""nginx serves the dashboard, and the page of a suspended customer, with the rendered files."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer.instance import manifests
from infra.customer.ports import API_PORT, DASHBOARD_PORT
from tenants.models import LifecycleState
from tests.edge.pods import Image, Node
from tests.edge.world import LOOPBACK
from tests.program.instances import instance_of
from tests.program.variants import variant
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.customer.model import Instance

pytestmark = pytest.mark.edge

DASHBOARD = f"http://{LOOPBACK}:{DASHBOARD_PORT}"

# What the official image configures outside the folder that is mounted.
IMAGE_CONFIGURATION = """\
worker_processes 1;
error_log stderr notice;
pid /run/nginx.pid;
events { worker_connections 64; }
http {
  types { text/html html; application/javascript js; }
  default_type application/octet-stream;
  access_log off;
  client_body_temp_path /var/cache/nginx/client_temp;
  proxy_temp_path /var/cache/nginx/proxy_temp;
  fastcgi_temp_path /var/cache/nginx/fastcgi_temp;
  uwsgi_temp_path /var/cache/nginx/uwsgi_temp;
  scgi_temp_path /var/cache/nginx/scgi_temp;
  include /etc/nginx/conf.d/*.conf;
}
"""
POD = ("Deployment", "dashboard", "dashboard")


@contextmanager
def serve(folder: Path, instance: Instance) -> Iterator[Node]:
    """Run nginx in the dashboard's pod."""
    pages = folder / "html"
    pages.mkdir()
    (pages / "index.html").write_text("the dashboard", encoding="utf-8")
    (pages / "app.js").write_text("the program", encoding="utf-8")
    configuration = folder / "nginx.conf"
    configuration.write_text(IMAGE_CONFIGURATION, encoding="utf-8")
    node = Node(folder, manifests(instance))
    files = {"/etc/nginx/nginx.conf": configuration, "/usr/share/nginx/html": pages}
    node.image("dashboard", Image(entrypoint=("nginx", "-g", "daemon off;"), files=files))
    try:
        process = node.start(*POD)

        def up() -> bool:
            assert process.runs, process.said()
            return node.listens(DASHBOARD_PORT)

        wait_until(up, what="nginx listens")
        yield node
    finally:
        node.close()


@pytest.fixture
def active(tmp_path: Path) -> Iterator[Node]:
    with serve(tmp_path, instance_of("acme")) as node:
        yield node


@pytest.fixture
def suspended(tmp_path: Path) -> Iterator[Node]:
    with serve(tmp_path, instance_of("acme", runs=False)) as node:
        yield node


def test_the_dashboards_own_paths_are_its_page(active: Node) -> None:
    for path in ("/", "/devices/42", "/login?next=%2F"):
        status, headers, body = active.http(DASHBOARD + path)
        assert (status, headers["content-type"], body) == (200, "text/html", "the dashboard"), path
    assert active.http(f"{DASHBOARD}/app.js")[2] == "the program"


@pytest.mark.parametrize("which", ["active", "suspended"])
def test_nginx_finds_no_fault_and_says_that_it_is_healthy(request: pytest.FixtureRequest, which: str) -> None:
    node: Node = request.getfixturevalue(which)
    checked = node.run(*POD, "nginx", "-t")
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr
    status, headers, body = node.http(f"{DASHBOARD}/healthz")
    assert (status, body) == (200, "ok\n")
    assert headers["server"] == "nginx"


API = """\
import http.server

class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        said = f"{self.path} for {self.headers['Host']}, upgrade {self.headers['Upgrade']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

http.server.HTTPServer(("", 3002), Answers).serve_forever()
"""
"""Says what it was asked, where the API listens."""


def test_reached_by_a_port_of_the_nodes_it_leads_to_the_api(tmp_path: Path) -> None:
    with serve(tmp_path, variant("acme", broker="node ports")) as node:
        node.image("api", Image(entrypoint=("python3", "-c", API)))
        node.start("Deployment", "api", "api")
        wait_until(lambda: node.listens(API_PORT), what="the API listens")
        for path, headers, upgrade in (
            ("/api/v1/devices?page=2", (), "None"),
            ("/ws", ("--header", "Upgrade: websocket", "--header", "Connection: Upgrade"), "websocket"),
        ):
            status, _, body = node.http(DASHBOARD + path, *headers)
            assert (status, body) == (200, f"{path} for {LOOPBACK}, upgrade {upgrade}")
        for path in ("/api-keys", "/wsx", "/devices/42"):
            assert node.http(DASHBOARD + path)[2] == "the dashboard", path


NOTICE = 'We moved <b>your</b> data & "flows" — back on Monday'
REASON = "order 17 of the court"


@pytest.mark.parametrize(
    ("lifecycle", "says", "not_said"),
    [
        ({}, ["The subscription of this service is not active"], ["in touch with us"]),
        (
            {"lifecycle": LifecycleState.SUSPENDED, "lifecycle_reason": REASON},
            ["This service has been stopped", "in touch with us"],
            ["subscription", REASON],
        ),
        (
            {
                "lifecycle": LifecycleState.SUSPENDED,
                "lifecycle_reason": REASON,
                "lifecycle_notice": NOTICE,
            },
            ["We moved &lt;b&gt;your&lt;/b&gt; data &amp; &#34;flows&#34; — back on Monday"],
            ["subscription", REASON, "<b>"],
        ),
    ],
    ids=["unpaid", "stopped", "stopped with a notice"],
)
def test_the_page_says_kindly_why_and_never_what_is_for_us_alone(
    tmp_path: Path, lifecycle: dict[str, Any], says: list[str], not_said: list[str]
) -> None:
    with serve(tmp_path, instance_of("acme", runs=False, **lifecycle)) as node:
        status, headers, body = node.http(f"{DASHBOARD}/")
    assert (status, headers["content-type"]) == (503, "text/html")
    assert [text for text in says if text not in body] == []
    assert [text for text in not_said if text in body] == []


@pytest.mark.parametrize("path", ["/", "/api/v1/devices", "/ws", "/suspended.html", "/app.js"])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_a_suspended_customers_every_address_says_why(suspended: Node, path: str, method: str) -> None:
    arguments = ("--head",) if method == "HEAD" else ("--request", method)
    status, headers, body = suspended.http(DASHBOARD + path, *arguments)
    assert (status, headers["retry-after"], headers["cache-control"]) == (503, "3600", "no-store")
    assert headers["x-content-type-options"] == "nosniff"
    assert "suspended" in body or method == "HEAD"
