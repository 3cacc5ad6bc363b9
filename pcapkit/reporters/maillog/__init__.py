"""Mail logs tied to packets."""

from pcapkit.reporters.maillog.reporter import MailLog

__all__ = ["MailLog"]
