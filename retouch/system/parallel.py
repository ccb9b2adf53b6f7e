"""Do a few things at the same time, so that Ctrl-C ends all of them and never hangs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from retouch.system.processes import Processes, telling_of_interrupts

T = TypeVar("T")


def at_once(work: Sequence[Callable[[], T]], processes: Processes, *, jobs: int) -> tuple[T, ...]:
    """Call each, at most `jobs` at a time, and return what they give, in order.

    What they start belongs to `processes`. On any exception of theirs, and on Ctrl-C, these are
    stopped, and the exception goes on once every call has ended.
    """
    ended: SimpleQueue[Future[T] | None] = SimpleQueue()
    with (
        telling_of_interrupts(lambda: ended.put(None)),
        ThreadPoolExecutor(max_workers=max(1, min(jobs, len(work)))) as pool,
    ):
        try:
            futures = [pool.submit(each) for each in work]
            for future in futures:
                future.add_done_callback(ended.put)
            for _ in futures:
                done = ended.get()
                if done is None:
                    raise KeyboardInterrupt
                done.result()
        except BaseException:
            processes.stop()
            raise
    return tuple(future.result() for future in futures)
