"""pcapkit: from a packet capture to the answer. The public names, loaded when they are used."""

__version__ = "0.1.0"
