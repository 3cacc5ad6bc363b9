"""Busy captures that others made, in which nobody logs in by HTTP: neither a password nor a key is reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from said import rows

LEAST = 20
"""So many of the captures have forms or requests enough to be busy."""
_SHOWN = ("session-cookie", "api-key", "bearer", "negotiate")
"""What may be there all the same: cookies and tokens that are sent whether anybody logs in or not."""


@pytest.mark.corpus
@pytest.mark.slow
def test_where_tshark_sees_requests_but_no_login_there_is_no_password(corpus: Path) -> None:
    wrong, busy = {}, 0
    for expected in sorted((corpus / "expected").glob("*.json")):
        http = json.loads(expected.read_text()).get("http") or {}
        source, _, name = expected.stem.partition("__")
        if len(http.get("requests") or ()) < 2 or http.get("basic_auth"):
            continue
        busy += 1
        found = rows(corpus / source / name, show_secrets=True).get("credentials", [])
        passwords = [row for row in found if row["protocol"] == "http" and row["secret_kind"] == "password"]
        typed = [row for row in passwords if not _stands_in_a_form(http, row["secret"])]
        if typed or any(row["mechanism"] not in _SHOWN for row in found
                        if row["protocol"] == "http" and row["secret_kind"] == "token"):
            wrong[expected.stem] = typed
    assert busy >= LEAST and not wrong, wrong


def _stands_in_a_form(http: dict[str, object], secret: str) -> bool:
    return secret in json.dumps(http.get("forms") or [], ensure_ascii=False)
