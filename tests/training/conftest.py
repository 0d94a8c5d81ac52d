import signal

import pytest


@pytest.fixture
def ctrl_c():
    """Ctrl-C as Python has it: a shell starts what it runs in the background with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    signal.signal(signal.SIGINT, before)
