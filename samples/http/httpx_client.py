"""Many requests of HTTP/2 on one connection without TLS, by Debian's httpx, which curl 7.88 does not do: the last is a form.

`httpx_client.py at-once|slowly HOST USER:PASSWORD URL...`; slowly is one, a pause and the others, each with the login in
its header.
"""

from __future__ import annotations

import asyncio
import sys

import httpx


async def main() -> None:
    """Ask."""
    how, host, login, *urls, form = sys.argv[1:]
    user, password = login.split(":")
    async with httpx.AsyncClient(http1=False, http2=True, headers={"Host": host, "Accept-Encoding": "gzip, br"}) as client:
        if how == "at-once":
            await asyncio.gather(*map(client.get, urls))
            return
        for url in urls:
            await client.get(url, auth=(user, password))
            if url == urls[0]:
                await asyncio.sleep(5)
        await client.post(form, data={"username": user, "password": password})


asyncio.run(main())
