"""SMTP (RFC 5321): the dialogue, the mail it carries, logins, and the switch to TLS (RFC 3207)."""

from pcapkit.dissectors.smtp.envelope import path
from pcapkit.dissectors.smtp.records import MailMessage, SmtpExchange
from pcapkit.dissectors.smtp.session import LMTP, SMTP

__all__ = ["LMTP", "SMTP", "MailMessage", "SmtpExchange", "path"]
