"""`python -m loopback_hub`: a Hub for scripts, until it is interrupted; its address first."""

import signal
from contextlib import suppress

from loopback_hub import WRITES, serve

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with serve() as hub, suppress(KeyboardInterrupt):
        print(f"export HF_ENDPOINT={hub.endpoint} HF_TOKEN={WRITES}", flush=True)
        signal.pause()
