"""scratch"""

import pytest
from tests.e2e.screen_harness import *


@pytest.fixture
def hand_practice(practice):
    return practice


def test_it(qapp, practice, tmp_path):
    async def body(desk):
        print("live", desk.words(desk.ticket)[:300])

    import time

    for i in range(3):
        t = time.time()
        run_screen(practice, tmp_path / str(i), body)
        print(time.time() - t)
