"""The fields of a frame, byte for byte: bytes in, a tree of named fields out. One file per layer; knows no capture."""

from pcapkit.fields.field import Field
from pcapkit.fields.frame import Message, Payload, frame_fields

__all__ = ["Field", "Message", "Payload", "frame_fields"]
