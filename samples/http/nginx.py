"""Cases at nginx: content codings, ranges, conditions, and HTTP/2 in the clear from the first byte."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from samples.cases import PASSWORD, WRONG, Case, Family, Login, News, client, exchanges
from samples.http.clients import NAME, curl
from samples.http.site import PAGE
from samples.record import HOST, serving

PORT, CLEAR, SITE = 80, 8080, 8000
CHANGED = 1_700_000_000
"""When the page was last changed: Tue, 14 Nov 2023 22:13:20 GMT."""
CONFIGURATION = """
load_module /usr/lib/nginx/modules/ngx_http_brotli_filter_module.so;
daemon off;
pid {folder}/pid;
error_log {folder}/error;
worker_processes 1;
events {{ }}
http {{
  include /etc/nginx/mime.types;
  log_format exchange "$request_method $request_uri $status";
  access_log {folder}/log exchange;
  gzip on;
  brotli on;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen {host}:{port};
    listen {host}:{clear} http2;
    server_name {name};
    root {folder}/public;
    location /basic {{
      auth_basic "members only";
      auth_basic_user_file {folder}/users;
      try_files /page.html =404;
    }}
    location /site/ {{
      proxy_pass http://{host}:{site}/;
    }}
  }}
}}
"""


@contextmanager
def running(folder: Path) -> Iterator[News]:
    """nginx, with the small site behind it."""
    (folder / "public").mkdir()
    (folder / "public" / "page.html").write_bytes(PAGE)
    os.utime(folder / "public" / "page.html", (CHANGED, CHANGED))
    (folder / "public" / "lines.bin").write_bytes(bytes(range(256)) * 16)
    subprocess.run(["htpasswd", "-bc", folder / "users", "jan", PASSWORD], check=True, stderr=subprocess.DEVNULL)
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, host=HOST, port=PORT, clear=CLEAR, site=SITE, name=NAME))
    with (serving([sys.executable, "-P", "-m", "samples.http.site", str(SITE), folder / "site.log"], SITE),
          serving(["nginx", "-c", configuration], PORT)):
        yield exchanges(folder / "log")


def prior(path: str, *words: str) -> Callable[[], object]:
    """HTTP/2 in the clear, from the first byte."""
    return curl(path, "--http2-prior-knowledge", *words, port=CLEAR)


def coded(*names: str) -> list[Callable[[], object]]:
    """The page, each time in another coding that the client takes."""
    return [curl("/page.html", "-H", f"Accept-Encoding: {name}") for name in names]


def httpx(how: str, *paths: str) -> Callable[[], object]:
    """Several requests on one connection by Python's httpx, at once; or slowly, each with a login, and then a form."""
    return client("/usr/bin/python3", Path(__file__).with_name("httpx_client.py"), how, NAME, f"jan:{PASSWORD}",
                  *(f"http://{HOST}:{CLEAR}/{path}" for path in (*paths, "site/login")))


DECODED = {"bytes": len(PAGE), "sha256": hashlib.sha256(PAGE).hexdigest()}
AT = f"http://{NAME}:{CLEAR}"
CASES = [
    Case("codings-nginx", "a page as gzip and Brotli in chunks, and as it is", coded("gzip", "br", "identity"),
         facts={"decoded": DECODED}),
    Case("ranges", "one range, several (multipart/byteranges), the rest from a place on, and one that there is not",
         [curl("/lines.bin", "-r", one) for one in ("0-99", "0-9,100-119,4090-", "4000-", "5000-6000")]),
    Case("conditional", "HEAD, a condition that holds, and two that do not (304)",
         [curl("/page.html", "-I"), curl("/page.html", "-z", "Wed, 01 Jan 2020 00:00:00 GMT", "-I"),
          curl("/page.html", "-H", "If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT"),
          curl("/page.html", "-H", "If-None-Match: *")]),
    Case("h2-basic", "HTTP/2 by prior knowledge: Basic rejected and accepted",
         [prior("/basic/", "-u", f"jan:{one}") for one in (WRONG, PASSWORD)],
         [Login("basic", "jan", WRONG, "rejected"), Login("basic", "jan", PASSWORD, "accepted")]),
    Case("h2-form", "HTTP/2 by prior knowledge: a login by form, a cookie, and JSON refused",
         [prior("/site/login", "-b", "", "-d", "username=jan", "-d", f"password={WRONG}"),
          prior("/site/login", "-b", "", "-d", "username=jan", "-d", f"password={PASSWORD}"),
          prior("/site/api/login", "-H", "Content-Type: application/json", "-d",
                f'{{"email":"jan@example.com","password":"{WRONG}"}}')],
         [Login("form", "jan", WRONG, "rejected"), Login("form", "jan", PASSWORD, "accepted"),
          Login("form", "jan@example.com", WRONG, "rejected")]),
    Case("h2-streams", "one connection with several streams at once, gzip and Brotli among them",
         [httpx("at-once", "page.html?1", "lines.bin", "page.html?2", "nothing", "page.html?3")], facts={"decoded": DECODED}),
    Case("h2-late", "one connection, captured from the second request on: of what they repeat of the first, such "
         "as the host, only an index goes over the wire; a login in a header is never indexed (RFC 7541, 7.1.3), and seen",
         [], [Login("basic", "jan", PASSWORD, "accepted")] * 2 + [Login("form", "jan", PASSWORD, "accepted")],
         early=httpx("slowly", *(f"basic/?{number}" for number in range(3)))),
]
FAMILY = Family("nginx 1.22 with ngx_brotli, curl 7.88", (PORT, CLEAR), running, CASES)
