"""Waiting for a file descriptor without looking at it again and again."""

import asyncio


async def readable(descriptor: int) -> None:
    """Wait until a descriptor can be read, or its other end is gone."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
