"""Real TLS handshakes, made in memory by OpenSSL."""

from __future__ import annotations

import pytest
from handshakes import Ends


@pytest.fixture
def ends() -> Ends:
    return Ends()
