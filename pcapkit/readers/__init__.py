"""Readers: capture files -> windows of frames. One file per format; compression and pipes in front of them."""

from pcapkit.readers.frames import Frames
from pcapkit.readers.heads import Ints
from pcapkit.readers.opening import CaptureFile, open_capture

__all__ = ["CaptureFile", "Frames", "Ints", "open_capture"]
