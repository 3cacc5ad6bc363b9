"""Dialogues: reassembled bytes -> records. Recognises the protocol, feeds its dissector, skips what it asks to skip,
hands over on `Upgrade`, resolves frames and times, and turns a `DissectError` into an anomaly.
"""

from pcapkit.dialogues.dialogue import Dialogue
from pcapkit.dialogues.exchange import Exchange
from pcapkit.dialogues.recogniser import Recogniser
from pcapkit.dialogues.talk import Collector

__all__ = ["Collector", "Dialogue", "Exchange", "Recogniser"]
