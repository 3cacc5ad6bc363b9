"""HTTP messages, and pages of some length to put into them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote_plus

from pcapkit.exercises import words
from pcapkit.exercises.draw import Draw

AGENTS = ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
          "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:136.0) Gecko/20100101 Firefox/136.0",
          "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:135.0) Gecko/20100101 Firefox/135.0")
_REASONS = {200: "OK", 303: "See Other", 401: "Unauthorized", 404: "Not Found"}


def request(method: str, path: str, host: str, agent: str, form: Mapping[str, str] | None = None, **headers: str) -> str:
    """A request; `form` is sent urlencoded. Headers are written with `_` for `-`."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"User-Agent: {agent}", "Accept: */*",
             *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    body = urlencoded(form) if form is not None else ""
    if form is not None:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body])


def response(status: int, body: str = "", kind: str = "text/html; charset=utf-8", **headers: str) -> str:
    """A response."""
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}", "Server: shelf/2.1", f"Content-Type: {kind}",
             *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()), f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body])


def urlencoded(form: Mapping[str, str]) -> str:
    """As browsers send a form."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in form.items())


def page(draw: Draw, title: str, size: int = 0, inside: str = "") -> str:
    """A page of `size` bytes or a little more."""
    lines, length = [], 0
    while length < size:
        lines.append(f"<li>{draw.choice(words.COLOURS)} {draw.choice(words.PLANTS)}, {draw.between(1, 40)} pieces</li>")
        length += len(lines[-1]) + 1
    listed = "<ul>\n" + "\n".join(lines) + "\n</ul>\n" if lines else ""
    return f"<!doctype html>\n<title>{title}</title>\n<h1>{title}</h1>\n{inside}{listed}"
