"""The pool: every task once, errors and Ctrl-C end it at once, and nothing goes on writing afterwards."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
import torch

from creps_core import workers
from creps_core.cancel import CancelToken
from creps_core.config import GeneratorConfig
from creps_core.errors import Cancelled
from creps_core.generator import Generator
from creps_core.plan import Plan, fold
from creps_core.workers import Task, WorkerPool, Workspace

CPU = torch.device("cpu")


@pytest.fixture
def plan() -> Plan:
    config = GeneratorConfig(z_dim=4, w_dim=4, resolution=8, channel_base=32, channel_max=4, mapping_layers=1)
    return fold(Generator(config), torch.ones(1, config.num_ws, 4), CPU)


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    made = WorkerPool(CPU, 3)
    yield made
    made.close()


def test_every_task_runs_once_in_inference_mode_with_one_blas_thread(pool: WorkerPool) -> None:
    seen: Counter[int] = Counter()
    threads: set[int] = set()
    lock = threading.Lock()

    def task(number: int) -> Task:
        def run(workspace: Workspace) -> None:
            assert torch.is_inference_mode_enabled()
            assert torch.get_num_threads() == 1
            assert workspace.device == CPU
            with lock:
                seen[number] += 1
                threads.add(threading.get_ident())
            time.sleep(0.001)

        return run

    pool.run((task(number) for number in range(100)), None)
    assert seen == Counter(range(100))
    assert len(threads) == 3
    assert threading.get_ident() not in threads


def test_a_limit_leaves_workers_idle(pool: WorkerPool) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def task(_: Workspace) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    pool.run([task] * 12, None, limit=2)
    assert most == 2


def test_a_tasks_error_reaches_the_caller_and_stops_the_others(pool: WorkerPool) -> None:
    done: list[int] = []

    def fail(_: Workspace) -> None:
        raise ZeroDivisionError("this tile")

    def slow(_: Workspace) -> None:
        time.sleep(0.01)
        done.append(1)

    tasks: list[Task] = [slow, slow, fail, *[slow] * 500]
    with pytest.raises(ZeroDivisionError, match="this tile"):
        pool.run(tasks, None)
    after = len(done)
    assert after < 500
    time.sleep(0.05)
    assert len(done) == after  # nobody writes any more
    pool.run([slow], None)  # and the pool works on
    assert len(done) == after + 1


def test_an_error_of_the_task_list_itself_reaches_the_caller(pool: WorkerPool) -> None:
    def tasks() -> Iterator[Task]:
        yield lambda _: None
        raise LookupError("no more tiles")

    with pytest.raises(LookupError, match="no more tiles"):
        pool.run(tasks(), None)


def test_cancelling_stops_between_tasks(pool: WorkerPool) -> None:
    token, done = CancelToken(), []

    def task(_: Workspace) -> None:
        done.append(1)
        if len(done) == 5:
            token.cancel()

    with pytest.raises(Cancelled):
        pool.run([task] * 1000, token)
    assert 5 <= len(done) <= 8  # each of the others may have been at one


def test_ctrl_c_leaves_no_worker_writing(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    real, interrupted = workers.wait, threading.Event()
    written: list[int] = []

    def wait(*arguments: object, **options: object) -> object:
        if not interrupted.is_set():  # as a signal handler would, while the caller waits
            interrupted.set()
            time.sleep(0.02)
            raise KeyboardInterrupt
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "wait", wait)

    def task(_: Workspace) -> None:
        time.sleep(0.005)
        written.append(1)

    with pytest.raises(KeyboardInterrupt):
        pool.run([task] * 2000, None)
    after = len(written)
    assert 0 < after < 1000
    time.sleep(0.05)
    assert len(written) == after


class Sums:
    """A program that adds up a column with the ones below it."""

    def __init__(self, plan: Plan, workspace: Workspace, n: int) -> None:
        self.x = workspace.lend("x", 4, n, 9, torch.float32)
        self.ones = workspace.lent_ones(n, torch.float32)


def test_programs_share_memory_and_find_their_rows_of_ones(plan: Plan) -> None:
    workspace = Workspace(CPU)
    wide, slim = workspace.program(Sums, plan, 9), workspace.program(Sums, plan, 5)
    assert wide.x.shape == (5, 9)
    assert slim.x.shape == (5, 5)
    assert wide.x.data_ptr() == slim.x.data_ptr()
    for _ in range(2):
        for n, program in ((9, wide), (5, slim)):
            assert workspace.program(Sums, plan, n) is program  # kept
            assert (program.x[4] == 1).all()
            program.x[:4] = 3  # spoils the other's ones


def test_memory_of_other_names_and_kinds_is_apart() -> None:
    workspace = Workspace(CPU)
    lent = [
        workspace.lend("x", 4, 7, 7, torch.float32),
        workspace.lend("y", 4, 7, 7, torch.float32),
        workspace.lend("x", 4, 7, 7, torch.bfloat16),
        workspace.lend("x", 5, 7, 7, torch.float32),
    ]
    assert len({one.data_ptr() for one in lent}) == 4
