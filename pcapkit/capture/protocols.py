"""What the rows of some tables have besides: forms, dialogues and handshakes as ladders, certificates as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pcapkit import explanations
from pcapkit.capture.shown import Text, html_table
from pcapkit.capture.views import Row, View
from pcapkit.explanations import Explanation
from pcapkit.formats import explanation, handshake, svg
from pcapkit.formats.ladder import Climb, Ladder
from pcapkit.formats.text import escape

if TYPE_CHECKING:
    import pandas as pd

    from pcapkit.capture import Capture
    from pcapkit.handshakes import Handshake as Shown

_WIDTH = 110
"""Columns of text in a notebook."""
_MOST_RUNGS = 200


class Picture(Text):
    """A ladder as text; a notebook shows it drawn."""

    climb: Climb

    @classmethod
    def of(cls, lines: Iterable[str], climb: Climb) -> Picture:
        """The lines, and the same as data."""
        made = cls("\n".join(lines))
        made.climb = climb
        return made

    def _repr_html_(self) -> str:
        return svg.ladder(self.climb, _MOST_RUNGS).replace("<svg ", "<svg style='max-width:100%;height:auto' ", 1)


class HttpView(View):
    """Requests with their responses; `forms` are the form fields."""

    @property
    def forms(self) -> View:
        """The fields of all forms and queries."""
        return _whole(self).view("http_forms")


class Dialogue(View):
    """The rows of one stream, shown as a ladder: who said what, when, and in which packet."""

    @property
    def ladder(self) -> Picture:
        """The dialogue with the client on the left and the server on the right."""
        capture, place = _whole(self), self[0]
        ladder = Ladder(_WIDTH)
        for name in Ladder.tables:
            view = capture.view(name)
            ladder.take(view._chunk(_same_stream(view, place)))
        return Picture.of(ladder.lines(), next(ladder.climbs()))

    def __repr__(self) -> str:
        return self.ladder

    def _repr_html_(self) -> str:
        return self.ladder._repr_html_()


class Dialogues(Sequence[Dialogue]):
    """A dialogue for each stream; `df` has the rows of all of them, stream by stream."""

    def __init__(self, dialogues: Iterable[Dialogue], whole: View) -> None:
        self._dialogues = list(dialogues)
        self._whole = whole

    def __len__(self) -> int:
        return len(self._dialogues)

    def __getitem__(self, index: Any) -> Any:
        return self._dialogues[index]

    @property
    def df(self) -> pd.DataFrame:
        """The rows of all, one stream after the other."""
        return self._whole.df

    def __repr__(self) -> str:
        return "\n\n".join(map(repr, self)) or "no dialogues"

    def _repr_html_(self) -> str:
        return "<br>".join(dialogue._repr_html_() for dialogue in self) or "<div>no dialogues</div>"


class SmtpView(View):
    """Commands with their replies; `dialogues` are they per stream."""

    @property
    def dialogues(self) -> Dialogues:
        """The rows of each stream, in order."""
        found: dict[tuple[str, int | None], list[Row]] = {}
        for row in self:
            found.setdefault((row["file"], row["stream"]), []).append(row)
        dialogues = [Dialogue(self._table, [self._chunk(rows)], self._shown, capture=self._capture)
                     for rows in found.values()]
        return Dialogues(dialogues, self.part([row for rows in found.values() for row in rows]))


class DnsView(View):
    """Questions with their responses."""

    @property
    def queries(self) -> View:
        """The rows whose question is in the capture."""
        return self.part([row for row in self if row["query_frame"] is not None])


class TlsView(View):
    """Handshakes and sessions."""

    @property
    def handshakes(self) -> View:
        """The rows whose handshake is in the capture."""
        return self.part([row for row in self if row["version"] is not None])


class Handshake(Row):
    """A handshake, or a session without one: with its certificates, and shown as a ladder or as openssl sums it up."""

    @property
    def certificates(self) -> View:
        """The certificates that were sent in the clear in it, the server's first."""
        capture = _whole(self)
        view = capture.view("certificates")
        later = [row["frame"] for row in _same_stream(capture.view("tls"), self) if row["frame"] > self["frame"]]
        return view.part([row for row in _same_stream(view, self)
                          if self["frame"] <= row["frame"] < min(later, default=row["frame"] + 1)])

    @property
    def ladder(self) -> Picture:
        """Its messages in order: when, in which packet, and which optional ones were left out."""
        shown = self._shown()
        return Picture.of(handshake.ladder(shown), handshake.climb(shown))

    @property
    def summary(self) -> Text:
        """What `openssl s_client` would have printed, as far as the capture shows it."""
        return Text("\n".join(handshake.summary(self._shown())))

    def _shown(self) -> Shown:
        return next(shown for shown in _whole(self).shown_handshakes(self["file"])
                    if (shown.flow.transport, shown.flow.stream, shown.row.span.frame)
                    == (self["transport"], self["stream"], self["frame"]))


class Certificate(Row):
    """A certificate, also as `text` and in PEM."""

    @property
    def text(self) -> Text:
        """Field by field, as `openssl x509 -text` has it."""
        from pcapkit.certificates.text import certificate_text
        return Text("\n".join(escape(line) for line in certificate_text(self._bytes()).splitlines()))

    @property
    def pem(self) -> Text:
        """Its bytes in PEM, such as a trust store is made of."""
        from pcapkit.certificates.text import pem
        return Text(pem(self._bytes()))

    def _bytes(self) -> bytes:
        return _whole(self).certificate_bytes(self["file"])[self["sha256"]]


class Explained(Text):
    """What a rule means, as text; a notebook shows it part by part."""

    parts: list[tuple[str, str]]

    @classmethod
    def of(cls, told: Explanation) -> Explained:
        """What the shelf of explanations has."""
        made = cls(explanation.text(told, _WIDTH))
        made.parts = [(told.rule, told.title), ("What", told.what), ("Why", told.why), ("Fix", told.fix), ("See it", told.see),
                      ("RFC", "\n".join(f"{place.name}: {place.says}" for place in told.rfc))]
        return made

    def _repr_html_(self) -> str:
        return html_table(self.parts)


class Finding(Row):
    """A finding; `explanation` says what it means, why it matters and what to do."""

    @property
    def explanation(self) -> Explained:
        """What there is to say of its rule."""
        return Explained.of(explanations.explanation(self["rule"]))


ROWS: dict[str, type[Row]] = {"tls": Handshake, "certificates": Certificate, "findings": Finding}
"""The tables whose rows are more than rows."""


def _same_stream(view: View, place: Row) -> list[Row]:
    key = "file", "transport", "stream"
    return [row for row in view if all(row[name] == place[name] for name in key)]


def _whole(part: View | Row) -> Capture:
    capture = part._capture
    assert capture is not None, "rows of a capture know it"
    return capture
