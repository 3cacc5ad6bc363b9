"""An HTTPS site and a box between that keeps its visitor on HTTP: fetched by TLS behind it, given out in the clear before it.

Run by `record` in the namespaces of `samples.vantage.network`, with a capture at either end. As a program
(`python -m samples.http.strip ADDRESS PORT`) it is the box: the kernel redirects the visitor's port 80 to it.
"""

from __future__ import annotations

import http.client
import re
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from samples.cases import PASSWORD, WRONG, Login, new_lines, workshop
from samples.http.clients import NAME
from samples.vantage.network import CLIENT, MIDDLE, OFFERS, SERVER, await_port, network, recorded, run, running, settle

BOX_PORT, SITE = 8080, 8000
SECURE = f"https://{NAME}".encode()
CONFIGURATION = """
daemon off;
pid {folder}/pid;
error_log {folder}/error;
worker_processes 1;
events {{ }}
http {{
  log_format exchange "$scheme $request_method $request_uri $status";
  access_log {folder}/log exchange;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type text/html;
  server {{
    listen {address}:80;
    server_name {name};
    root {folder}/public;
    location = / {{
      try_files /index.html =404;
    }}
    location / {{
      return 301 https://{name}$request_uri;
    }}
  }}
  server {{
    listen {address}:443 ssl;
    server_name {name};
    ssl_certificate {folder}/site.pem.crt;
    ssl_certificate_key {folder}/site.pem.key;
    add_header Strict-Transport-Security "max-age=31536000; includeSubDomains";
    location / {{
      proxy_pass http://127.0.0.1:{site};
      proxy_cookie_flags session secure;
      proxy_redirect / https://{name}/;
    }}
  }}
}}
"""
PLAIN = f"""<!doctype html><title>Shop</title>
<p>Welcome. <a href="https://{NAME}/login">Log in</a>
<form method="post" action="https://{NAME}/login"><input name="username"><input name="password" type="password"></form>
"""


class Box(BaseHTTPRequestHandler):
    """One connection of the visitor: HTTPS behind for all but the front page, and no word of it before."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *words: Any) -> None:
        """Nothing to the terminal."""

    def do_GET(self) -> None:
        """Fetch it in the visitor's place, and give it without what would lead to HTTPS."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("connection", "accept-encoding")}
        if self.path == "/":
            behind = http.client.HTTPConnection(sys.argv[1], timeout=5)
        else:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            behind = http.client.HTTPSConnection(sys.argv[1], timeout=5, context=context)
        behind.request(self.command, self.path, body or None, headers)
        response = behind.getresponse()
        page = response.read().replace(SECURE, SECURE.replace(b"https", b"http"))
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in ("strict-transport-security", "content-length", "connection", "transfer-encoding"):
                self.send_header(name, re.sub("; *secure", "", value.replace("https://", "http://"), flags=re.IGNORECASE))
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    do_POST = do_GET


@contextmanager
def site(folder: Path) -> Iterator[None]:
    """nginx with and without TLS in the server's namespace, and the small site behind it."""
    (folder / "public").mkdir()
    (folder / "public" / "index.html").write_text(PLAIN)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90", "-subj",
        f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", f"{folder}/site.pem.key", "-out",
        f"{folder}/site.pem.crt")
    settings = folder / "nginx.conf"
    settings.write_text(CONFIGURATION.format(folder=folder, address=OFFERS, name=NAME, site=SITE))
    with (running(sys.executable, "-P", "-m", "samples.http.site", str(SITE), str(folder / "site.log"), at=SERVER),
          running("nginx", "-c", str(settings), at=SERVER)):
        for port in (80, 443):
            await_port(OFFERS, port)
        await_port("127.0.0.1", SITE)
        yield


@contextmanager
def stripped() -> Iterator[None]:
    """The box, to which the visitor's port 80 is redirected."""
    run("nft", "add table ip box; add chain ip box before { type nat hook prerouting priority -100; }; "
        f"add rule ip box before iifname inside tcp dport 80 redirect to :{BOX_PORT}", at=MIDDLE)
    try:
        with running(sys.executable, "-P", "-m", "samples.http.strip", OFFERS, str(BOX_PORT), at=MIDDLE, ready="ready"):
            yield
    finally:
        run("nft", "delete table ip box", at=MIDDLE)


@contextmanager
def forwarded() -> Iterator[None]:
    """No box: a router."""
    run("sysctl", "-qw", "net.ipv4.ip_forward=1", at=MIDDLE)
    yield
    run("sysctl", "-qw", "net.ipv4.ip_forward=0", at=MIDDLE)


def visit(scheme: str) -> None:
    """The front page, and where its link leads: the form, a wrong password, the right one, the page behind it."""
    jar = "-b", "", "-L", "-k", "-s", "-m", "10"
    names = [word for port in (80, 443) for word in ("--resolve", f"{NAME}:{port}:{OFFERS}")]
    form = f"{scheme}://{NAME}/login"
    run("curl", *jar, *names, f"http://{NAME}/", form, at=CLIENT, check=False)
    for password in (WRONG, PASSWORD):
        run("curl", *jar, *names, "-d", f"username=jan&password={password}", form, at=CLIENT, check=False)


CASES = {
    "strip-none": ("a front page in the clear whose link leads to HTTPS, and nobody between", forwarded, "https", []),
    "strip": ("the same site, and a box between that gives out everything in the clear and takes away what would lead to HTTPS",
              stripped, "http", [Login("form", "jan", WRONG, "rejected"), Login("form", "jan", PASSWORD, "accepted")]),
}


def record(here: Path, wanted: list[str]) -> dict[str, Any]:
    """Record the cases that are named, or all, at both ends; gives what is known of them."""
    told: dict[str, Any] = {}
    names = [name for name in CASES if not wanted or name in wanted]
    if not names:
        return told
    with network(), workshop() as folder, site(folder):
        lines = new_lines(folder / "log")
        for name in names:
            what, between, scheme, logins = CASES[name]
            with between():
                lines()
                with recorded(here / f"{name}.client.pcap", here / f"{name}.server.pcap"):
                    visit(scheme)
                    settle()
            said = [line.split(" ", 1) for line in lines()]
            shared = {"what": what, "programs": "nginx 1.22, curl 7.88, a box in Python", "ports": [80, 443]}
            seen = {"client": [exchange for used, exchange in said if scheme == "http" or used == "http"],
                    "server": [exchange for used, exchange in said if used == "http"]}
            for end, logged in seen.items():
                told[f"{name}.{end}"] = {**shared, "logins": [asdict(one) for one in logins if end == "client"],
                                         "exchanges": logged}
            print(name, flush=True)
    return told


def main() -> None:
    """Be the box."""
    server = ThreadingHTTPServer(("", int(sys.argv[2])), Box)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
