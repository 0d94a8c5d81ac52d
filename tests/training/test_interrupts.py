import signal
import threading

import pytest

from keras_sandwich.training.interrupts import interrupts_between_steps


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


def run(*parts):
    """What was done of the parts: functions, or "|" where a step ends."""
    done = []

    def work():
        with interrupts_between_steps() as stop_if_interrupted:
            for number, part in enumerate(parts):
                stop_if_interrupted() if part == "|" else part()
                done.append(number)

    return work, done


def nothing():
    pass


@pytest.mark.parametrize(
    ("parts", "finished"),
    [
        (("|", press_ctrl_c, nothing, "|", nothing), [0, 1, 2]),  # the step, and not the next
        ((nothing, "|", press_ctrl_c, nothing), [0, 1, 2, 3]),  # what follows the last step
        ((press_ctrl_c, nothing, press_ctrl_c, nothing), [0, 1]),  # the second does not wait
    ],
)
def test_ctrl_c_waits_for_the_end_of_the_step(parts, finished, ctrl_c):
    work, done = run(*parts)
    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == finished
    assert signal.getsignal(signal.SIGINT) is ctrl_c


def test_an_error_is_not_hidden_by_a_ctrl_c(ctrl_c):
    work, _ = run(press_ctrl_c, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        work()


def test_ctrl_c_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work, done = run(press_ctrl_c, "|", nothing)
        work()
    finally:
        signal.signal(signal.SIGINT, before)
    assert done == [0, 1, 2]


def test_in_another_thread_nothing_changes(ctrl_c):
    seen = []
    work, _ = run("|", lambda: seen.append(signal.getsignal(signal.SIGINT)))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [ctrl_c]
