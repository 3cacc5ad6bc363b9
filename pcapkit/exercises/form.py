"""A login form without TLS."""

from __future__ import annotations

from typing import ClassVar

from pcapkit.capture import Capture
from pcapkit.capture.views import Row
from pcapkit.exercises import Drawn
from pcapkit.exercises.draw import Draw
from pcapkit.exercises.papers.questions import Evidence, proven
from pcapkit.exercises.traffic.names import look_up
from pcapkit.exercises.traffic.packets import Host
from pcapkit.exercises.traffic.trace import SECOND, Said, Trace
from pcapkit.exercises.traffic.web import AGENTS, page, request, response, urlencoded
from pcapkit.records import CLIENT, SERVER

_COOKIES = (("", "neither flag"), ("; HttpOnly", "`HttpOnly` only"), ("; Secure", "`Secure` only"),
            ("; Secure; HttpOnly", "both flags"))


class Form:
    """A login form without TLS: who got in, with what password, and what would let a thief in without it?"""

    name: ClassVar[str] = "form"

    def make(self, draw: Draw) -> Drawn:
        """Draw an exercise."""
        return _Cafe(draw).drawn()


class _Cafe:
    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.trace = Trace(draw.of("packets"), draw.moment())
        first = draw.inside()
        self.clients = [Host(first), *(Host(draw.neighbour(first)) for _ in range(2))]
        self.resolver = Host(draw.neighbour(first))
        self.server, self.other = Host(draw.outside(), 54), Host(draw.outside(), 49)
        domain = draw.domain()
        self.site, self.letters = f"{draw.choice(('shop', 'members', 'www', 'my'))}.{domain}", f"news.{draw.domain()}"
        self.path = f"/{draw.choice(('login', 'session', 'signin', 'members/enter'))}"
        self.names = [draw.choice(("user", "login", "account", "username")), draw.choice(("password", "passwd", "pass", "pwd"))]
        self.extra = dict(draw.sample((("remember", "on"), ("lang", "en"), ("next", "/basket"), ("csrf", draw.token(16)),
                                       ("theme", "dark"), ("tz", "60")), draw.between(1, 3)))
        self.user, self.password = draw.user(), draw.password()
        self.cookie, self.token = draw.choice(("sid", "SESSION", "plantid", "auth")), draw.token(24)
        self.flags = draw.below(len(_COOKIES))
        self.refused = draw.between(1, 3), draw.between(1, 2)

    def drawn(self) -> Drawn:
        blocks = self.draw.shuffled((self._member, self._stranger, self._reader))
        at = 0
        for block in blocks:
            block(at)
            at += self.draw.between(2, 9) * SECOND
        self.trace.number()
        return Drawn(self.trace, self._answers(), {"domain": self.site.partition(".")[2], "path": self.path})

    def _fields(self, user: str, password: str) -> dict[str, str]:
        fields = self.draw.of("fields").shuffled([*zip(self.names, (user, password), strict=True), *self.extra.items()])
        return dict(fields)

    def _look_up(self, client: Host, name: str, server: Host, at: int) -> None:
        look_up(self.trace, client, self.resolver, name, "A", [server.address], at)

    def _member(self, at: int) -> None:
        """The one who gets in, after a few attempts."""
        draw, client, agent = self.draw, self.clients[0], self.draw.choice(AGENTS)
        self._look_up(client, self.site, self.server, at)
        talk = self.trace.connect(client, self.server, 80, at + SECOND // 4)
        for path, title in (("/", "Plants"), (self.path, "Members")):
            talk.say(CLIENT, request("GET", path, self.site, agent))
            talk.say(SERVER, response(200, page(draw, title, draw.between(500, 5_000))), swapped=True)
            talk.wait(draw.between(1, 3) * SECOND)
        for _ in range(self.refused[0]):
            talk.say(CLIENT, request("POST", self.path, self.site, agent, self._fields(self.user, draw.password())),
                     repeated=draw.chance(30))
            talk.say(SERVER, response(401, page(draw, "That is not your password")))
            talk.wait(draw.between(2, 6) * SECOND)
        talk.close(SERVER)
        talk = self.trace.connect(client, self.server, 80, talk.now + SECOND)
        self.login = talk.say(CLIENT, request("POST", self.path, self.site, agent, self._fields(self.user, self.password)),
                              repeated=draw.chance(60))
        self.set = f"{self.cookie}={self.token}; Path=/{_COOKIES[self.flags][0]}"
        self.welcome: Said = talk.say(SERVER, response(303, Location="/basket", Set_Cookie=self.set))
        talk.say(CLIENT, request("GET", "/basket", self.site, agent, Cookie=f"{self.cookie}={self.token}"))
        talk.say(SERVER, response(200, page(draw, "Your basket", draw.between(3_000, 9_000))), missing=draw.chance(50))
        talk.close()

    def _stranger(self, at: int) -> None:
        """Somebody who does not get in."""
        draw, client, agent = self.draw, self.clients[1], self.draw.choice(AGENTS)
        self._look_up(client, self.site, self.server, at)
        talk = self.trace.connect(client, self.server, 80, at + SECOND // 3)
        user = draw.user()
        for _ in range(self.refused[1]):
            talk.say(CLIENT, request("POST", self.path, self.site, agent, self._fields(user, draw.password())))
            self.refusal = talk.say(SERVER, response(401, page(draw, "That is not your password")))
            talk.wait(draw.between(2, 5) * SECOND)
        talk.close()

    def _reader(self, at: int) -> None:
        """Somebody with a form that is no login, on another site."""
        draw, client, agent = self.draw, self.clients[2], self.draw.choice(AGENTS)
        self._look_up(client, self.letters, self.other, at)
        talk = self.trace.connect(client, self.other, 80, at + SECOND // 5)
        talk.say(CLIENT, request("GET", f"/search?{urlencoded({'q': draw.thing()})}", self.letters, agent))
        talk.say(SERVER, response(200, page(draw, "Found", draw.between(900, 3_000))))
        talk.wait(2 * SECOND)
        talk.say(CLIENT, request("POST", "/subscribe", self.letters, agent, {"name": draw.thing(), "often": "weekly"}))
        talk.say(SERVER, response(200, page(draw, "Thank you")))
        talk.close()

    def _answers(self) -> dict[str, Evidence]:
        at, posts = self.login.frame, f'http.request.method == "POST" && http.host == "{self.site}"'
        got_in = f"{posts} && ip.src == {self.clients[0].address}"
        fields = "pcapkit forms form.pcap --show-secrets"
        names = list(self._fields("", ""))
        return {
            "host": proven(self.site, at, posts, "http.host", lambda cap: (_login(cap).host, _login(cap).request_frame),
                           command="pcapkit http form.pcap"),
            "client": proven(self.clients[0].address, self.welcome.frame, f'http.set_cookie && ip.src == {self.server.address}',
                             "ip.dst", lambda cap: (_login(cap).client, _login(cap).response_frame),
                             command="pcapkit http form.pcap"),
            "frame": proven(at, at, got_in, "frame.number", lambda cap: (_login(cap).request_frame, _login(cap).request_frame),
                            near=[*self.login.copies, self.welcome.frame], command="pcapkit http form.pcap"),
            "user": proven(self.user, at, got_in, "urlencoded-form.value", lambda cap: (_credential(cap).username, _at(cap)),
                           command="pcapkit credentials form.pcap --show-secrets"),
            "password": proven(self.password, at, got_in, "urlencoded-form.value",
                               lambda cap: (_credential(cap).secret, _at(cap)), exact=True,
                               command="pcapkit credentials form.pcap --show-secrets"),
            "fields": proven(names, at, got_in, "urlencoded-form.key",
                             lambda cap: ([row.name for row in cap.http_forms if row.frame == _at(cap)], _at(cap)),
                             command=fields),
            "refused": proven(sum(self.refused), self.refusal.frame, "http.response.code == 401", "http.response.code",
                              lambda cap: (len(_refused(cap)), _stranger(cap)), count=True, command="pcapkit http form.pcap"),
            "cookie": proven(self.token, self.welcome.frame, "http.set_cookie", "http.set_cookie",
                             lambda cap: (_cookie(cap).partition(";")[0].partition("=")[2], _set(cap)), exact=True,
                             also=[f"{self.cookie}={self.token}"], command="pcapkit http form.pcap --show-secrets --json"),
            "flags": proven("abcd"[self.flags], self.welcome.frame, "http.set_cookie", "http.set_cookie",
                            lambda cap: ("abcd"[("Secure" in _cookie(cap)) * 2 + ("HttpOnly" in _cookie(cap))], _set(cap)),
                            shows=[self.set], command="pcapkit http form.pcap --json"),
        }


def _login(cap: Capture) -> Row:
    """The login that was answered with a redirection and a cookie."""
    return next(row for row in cap.http if row.method == "POST" and row.status == 303)


def _at(cap: Capture) -> int:
    return int(_login(cap).request_frame)


def _credential(cap: Capture) -> Row:
    return next(row for row in cap.credentials if row.frame == _at(cap))


def _refused(cap: Capture) -> list[int]:
    return [row.response_frame for row in cap.http if row.status == 401]


def _stranger(cap: Capture) -> int:
    """The last refusal of those who never got in."""
    return max(int(row.response_frame) for row in cap.http if row.status == 401 and row.client != _login(cap).client)


def _set(cap: Capture) -> int:
    return int(_login(cap).response_frame)


def _cookie(cap: Capture) -> str:
    return next(str(value) for name, value in _login(cap).response_headers if name.lower() == "set-cookie")
