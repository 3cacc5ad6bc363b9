"""The servers that run for a whole capture, each for some of its cases: nginx and Postfix."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from samples.record import HOST
from samples.tls.authorities import HOST as NAME
from samples.tls.cases import Case
from samples.tls.programs import serving
from samples.vantage.servers import MASTER, POSTFIX

PAGE = "<!doctype html>\n<title>Welcome</title>\n<p>Your token is 5ac9b06a7d.\n" + "<p>Welcome back.\n" * 20
NGINX = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/nginx.error;
worker_processes 1;
events {{ }}
http {{
  include /etc/nginx/mime.types;
  access_log off;
  gzip on;
  gzip_min_length 20;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  ssl_certificate {folder}/good.chain.pem;
  ssl_certificate_key {folder}/good.key;
  ssl_protocols TLSv1.2 TLSv1.3;
  {servers}
}}
"""
SERVER = """
  server {{
    listen {host}:{port} ssl http2;
    server_name {name};
    root {folder}/public;
    ssl_session_timeout {lifetime};
  }}
"""
SMTPD = "{host}:{port} inet n - n - - smtpd\n"
MAIL = """
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/mail.pem
"""
LIFETIMES = {"tickets for nine days": "9d", "tickets for a week": "7d"}


@contextmanager
def running(folder: Path, cases: Sequence[Case]) -> Iterator[None]:
    """What the cases without a server of their own talk to."""
    web = [case for case in cases if case.server is None and not case.name.startswith(("Postfix", "attack"))]
    mail = [case for case in cases if case.name.startswith("Postfix")]
    with ExitStack() as stack:
        if web:
            stack.enter_context(serving(nginx(folder, web), web[0].port, folder))
        for case in mail:
            stack.enter_context(serving(postfix(folder, case.port), case.port, folder))
            stack.callback(subprocess.run, ["postfix", "-c", str(folder / "postfix" / "etc"), "stop"], stderr=subprocess.DEVNULL)
        yield


def nginx(folder: Path, cases: Sequence[Case]) -> list[str]:
    """Write a configuration; gives the command that runs it."""
    (folder / "public").mkdir(exist_ok=True)
    (folder / "public" / "page.html").write_text(PAGE)
    hosts = "".join(SERVER.format(host=HOST, port=case.port, name=NAME, folder=folder, lifetime=LIFETIMES.get(case.name, "1h"))
                    for case in cases)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, servers=hosts))
    return ["nginx", "-c", str(folder / "nginx.conf")]


def postfix(folder: Path, port: int) -> list[str]:
    """The same for a mail server."""
    place = folder / "postfix"
    for made in ("etc", "queue", "data"):
        (place / made).mkdir(parents=True)
    shutil.chown(place / "data", "postfix")
    (folder / "mail.pem").write_bytes((folder / "good.key").read_bytes() + (folder / "good.chain.pem").read_bytes())
    (place / "etc" / "main.cf").write_text(POSTFIX.format(folder=place, name="mx.example.org", log=place / "log")
                                           + MAIL.format(folder=folder))
    (place / "etc" / "master.cf").write_text(SMTPD.format(host=HOST, port=port) + MASTER)
    return ["postfix", "-c", str(place / "etc"), "start-fg"]
