"""pcapkit: from a packet capture to the answer. The public names, loaded when they are used."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

if (Path(__file__).parent / "corekit").exists():
    raise ImportError("pcapkit-analyzer and pypcapkit share this environment and the import name pcapkit, which cannot "
                      "work: install them in environments of their own")

_NAMES = {
    "open": "capture", "Capture": "capture", "compare": "compare", "Comparison": "compare",
    **dict.fromkeys(("PcapkitError", "CaptureError", "DissectError", "FilterError", "LogError", "PolicyError", "KeysError",
                     "OutputError", "ExtraError"), "errors"),
    **dict.fromkeys(("Anomaly", "Credential", "Encryption", "Finding", "Span", "Severity", "Verdict"), "records"),
}
__all__ = ["__version__", *_NAMES]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'pcapkit' has no attribute {name!r}")
    return getattr(import_module(f"pcapkit.{_NAMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
