"""Who talks to whom, and which look-up in the DNS led to it: flows and answers put together, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pcapkit.formats.svg import Talk
from pcapkit.formats.text import escape
from pcapkit.limits import Limits
from pcapkit.schema import Chunk

_SEALED = {"tls", "dtls", "quic", "ssh"}
_DEPTH = 8
_WIDE = 40
_LEADS = {"CNAME", "DNAME", "MX", "NS", "SRV", "PTR", "HTTPS", "SVCB", "A", "AAAA"}
_FLOW = "file frame transport stream client server server_port service client_bytes server_bytes"
_ENDS = 12
"""Clients, and servers, in the picture."""
_LINES = 40


@dataclass(slots=True)
class _Pair:
    """What a client and a server said over one service."""

    connections: int = 0
    bytes: int = 0
    sealed: int = 0
    where: str = ""
    """The first of the connections."""


@dataclass(slots=True)
class _Asked:
    """A name that a client looked up: what it asked for, what it was told, and where that is first."""

    file: str
    frame: int
    times: int = 0
    types: dict[str, None] = field(default_factory=dict)
    codes: dict[str, None] = field(default_factory=dict)
    answers: dict[tuple[str, str], None] = field(default_factory=dict)


@dataclass(slots=True)
class Node:
    """A line of the tree: a name, an address or a connection, and what is said of it."""

    kind: str
    name: str
    said: str = ""
    children: list[Node] = field(default_factory=list)


class Names:
    """Gathers questions, answers and flows."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.asked: dict[tuple[str, str], _Asked] = {}
        self._pairs: dict[tuple[str, str], dict[str, _Pair]] = {}
        self._sealed: set[tuple[str, str, int | None]] = set()
        self._called: dict[str, str] = {}
        self.left_out = 0

    def take(self, chunk: Chunk) -> None:
        """Take the rows of `dns`, `tls` and `flows`; those of flows come when the file is done."""
        match chunk.table.name:
            case "dns":
                self._dns(chunk)
            case "tls":
                self._tls(chunk)
            case "flows":
                self._flows(chunk)

    def _dns(self, chunk: Chunk) -> None:
        for file, frame, client, name, kind, code, answers in zip(
                *chunk.select("file", "frame", "client", "name", "type", "rcode", "answers"), strict=True):
            asked = self.asked.get((client, name or ""))
            if asked is None:
                if len(self.asked) >= self._limits.report_names:
                    self._limits.hit("report_names")
                    self.left_out += 1
                    continue
                asked = self.asked[client, name or ""] = _Asked(file, int(frame))
            asked.times += 1
            asked.types[kind or "?"] = None
            asked.codes[code or "no answer in the capture"] = None
            for answer in answers or ():
                if len(asked.answers) < _WIDE:
                    asked.answers[answer["type"], str(answer["data"])] = None
                if answer["type"] in ("A", "AAAA") and len(self._called) < self._limits.report_names:
                    self._called.setdefault(str(answer["data"]), name or "")

    def _tls(self, chunk: Chunk) -> None:
        for file, transport, stream, server, sni in zip(
                *chunk.select("file", "transport", "stream", "server", "sni"), strict=True):
            if len(self._sealed) < self._limits.report_hosts:
                self._sealed.add((file, transport, stream))
            if sni and len(self._called) < self._limits.report_names:
                self._called.setdefault(server, sni)

    def _flows(self, chunk: Chunk) -> None:
        for file, frame, transport, stream, client, server, port, service, sent, received in zip(
                *chunk.select(*_FLOW.split()), strict=True):
            pairs = self._pairs.get((client, server))
            if pairs is None:
                if len(self._pairs) >= self._limits.report_hosts:
                    self._limits.hit("report_hosts")
                    continue
                pairs = self._pairs[client, server] = {}
            service = service or f"{transport}/{port}"
            if service not in pairs and len(pairs) >= _WIDE:
                service = "further ports"
            pair = pairs.setdefault(service, _Pair(where=f"{transport} stream {stream}, from frame {frame}"))
            pair.connections += 1
            pair.bytes += int(sent) + int(received)
            pair.sealed += service in _SEALED or (file, transport, stream) in self._sealed

    # What it comes to

    def hosts(self) -> tuple[int, int]:
        """How many clients and how many servers there are."""
        return len({client for client, _ in self._pairs}), len({server for _, server in self._pairs})

    def talks(self) -> list[Talk]:
        """The pairs that said most, no more than fit a picture."""
        found = [Talk(client, server, service, self._called.get(server, ""), pair.connections, pair.bytes, _clear(service, pair))
                 for (client, server), pairs in self._pairs.items() for service, pair in pairs.items()]
        found.sort(key=lambda t: (-t.bytes, -t.connections))
        clients: dict[str, None] = {}
        servers: dict[str, None] = {}
        kept: list[Talk] = []
        for talk in found:
            if len(kept) < _LINES and all(host in those or len(those) < _ENDS
                                          for host, those in ((talk.client, clients), (talk.server, servers))):
                clients[talk.client] = servers[talk.server] = None
                kept.append(talk)
        return kept

    @property
    def pairs(self) -> int:
        """How many lines the whole picture would have."""
        return sum(map(len, self._pairs.values()))

    def tree(self, most: int) -> tuple[list[Node], int]:
        """The names that nothing else led to, with what came of each, and how many of them there are; those with connections
        first if these are too many.
        """
        led = {(client, target) for (client, _), asked in self.asked.items()
               for kind, data in asked.answers if (target := _target(kind, data))}
        roots = [(client, name) for client, name in self.asked if (client, name) not in led]
        if len(roots) > most:
            roots.sort(key=lambda root: not any((root[0], data) in self._pairs for _, data in self.asked[root].answers))
        return [self._name(client, name, frozenset()) for client, name in roots[:most]], len(roots) + self.left_out

    def _name(self, client: str, name: str, above: frozenset[str]) -> Node:
        asked = self.asked[client, name]
        codes = "" if set(asked.codes) <= {"NOERROR"} else f", {', '.join(asked.codes)}"
        often = f", {asked.times:,} times" if asked.times > 1 else ""
        said = f"{', '.join(asked.types)} asked by {client}{often}, frame {asked.frame}{codes}"
        node = Node("name", escape(name or ".", 300), said)
        node.children += self._answers(client, asked, above | {name})
        return node

    def _answers(self, client: str, asked: _Asked, above: frozenset[str]) -> Iterator[Node]:
        for kind, data in asked.answers:
            target = _target(kind, data)
            answer = Node("answer", escape(data, 300), kind)
            if kind in ("A", "AAAA"):
                answer.children += self._connections(client, data)
            elif target and target not in above and len(above) < _DEPTH and (client, target) in self.asked:
                answer.children.append(self._name(client, target, above))
            yield answer

    def _connections(self, client: str, server: str) -> Iterator[Node]:
        for service, pair in self._pairs.get((client, server), {}).items():
            several = f"{pair.connections:,} connections, the first is " if pair.connections > 1 else ""
            yield Node("connection", service, f"{several}{pair.where}, {pair.bytes:,} bytes")


def _clear(service: str, pair: _Pair) -> bool | None:
    """Whether this was in the clear; None where that is not known, since nothing could read it."""
    if pair.sealed == pair.connections:
        return False
    return None if "/" in service or service == "further ports" else True


def _target(kind: str, data: str) -> str | None:
    """The name that an answer leads to."""
    return data.split()[-1].removesuffix(".") if kind in _LEADS and data.split() else None
