"""Certificates in full: as text (`text`, with `fields`, `extensions` and `oids`), and whether a chain of them holds at a given
time (`chain`, with `matching`, `remarks`, `verdicts` and `store`). What a module needs is loaded when a certificate is met.
"""
