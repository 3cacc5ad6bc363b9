"""How the captures of exercises are made: packets, conversations, DNS messages, TLS sessions and certificates."""
