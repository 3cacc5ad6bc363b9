"""Captures without their secrets: what is secret is replaced by fillers of the same length, and nothing else is touched.

`fillers` draws them, `disguises` puts them where a secret stands in some coding, `rewriting` into frames and their checksums,
`addresses` maps addresses, `sanitizer` does it all for a file.
"""

from pcapkit.sanitizing.sanitizer import Replaced, Sanitizer

__all__ = ["Replaced", "Sanitizer"]
