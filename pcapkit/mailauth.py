"""What domains say about their mail: the policy file of MTA-STS (RFC 8461, 3.2), as a user has it at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pcapkit.errors import PolicyError

_LONGEST = 1 << 16
"""More than RFC 8461, 3.3 lets a policy be long by common sense: it suggests a limit of 64 KiB."""


@dataclass(slots=True)
class Policy:
    """One policy: `mode` is enforce, testing or none; `mx` the patterns of hosts that may take the domain's mail."""

    path: str
    mode: str
    mx: list[str]
    max_age: int | None

    def covers(self, host: str) -> bool:
        """Whether a host is among those of the policy: `*.` stands for one label, the leftmost (RFC 8461, 4.1)."""
        host = host.lower().removesuffix(".")
        return any(host == pattern or (pattern.startswith("*.") and host.partition(".")[2] == pattern[2:])
                   for pattern in self.mx)


def open_policy(path: str) -> Policy:
    """Read the policy at `path`. Raises PolicyError where it cannot be read, or is no policy."""
    try:
        with Path(path).open("rb") as file:
            text = file.read(_LONGEST + 1).decode("utf-8", "replace")
    except OSError as error:
        raise PolicyError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(text) > _LONGEST:
        raise PolicyError(f"{path}: is longer than {_LONGEST // 1024} KiB, so it is no MTA-STS policy")
    return read_policy(text, path)


def read_policy(text: str, path: str = "") -> Policy:
    """The policy in `text`, lines of `name: value`; unknown names are passed over (RFC 8461, 3.2)."""
    pairs = [(name.strip().lower(), value.strip()) for name, colon, value in
             (line.partition(":") for line in text.splitlines()) if colon]
    fields = dict(reversed(pairs))
    if fields.get("version") != "STSv1":
        raise PolicyError(f"{path}: is no MTA-STS policy: it has no line 'version: STSv1'")
    mode, age = fields.get("mode", ""), fields.get("max_age", "")
    if mode not in ("enforce", "testing", "none"):
        raise PolicyError(f"{path}: the policy's mode is {mode!r}, not enforce, testing or none")
    return Policy(path, mode, [value.lower() for name, value in pairs if name == "mx"],
                  int(age) if age.isascii() and age.isdigit() and len(age) < 11 else None)
