"""Which event loop the gateway runs in. The only user of uvloop."""

import asyncio

try:
    import uvloop
except ImportError:  # there is no wheel for this system or this Python
    is_uvloop = False
else:
    is_uvloop = True


def new_event_loop() -> asyncio.AbstractEventLoop:
    """That of uvloop where it is installed, else asyncio's own: slower, but for that the same."""
    return uvloop.new_event_loop() if is_uvloop else asyncio.new_event_loop()
