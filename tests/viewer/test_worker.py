"""The render thread with an engine that stops wherever the test wants it to: no sleeps, no luck."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from creps_core.cancel import CancelToken
from creps_core.errors import Cancelled
from creps_viewer.service.engine import Opened, Progress
from creps_viewer.service.loader import Loader
from creps_viewer.service.worker import RenderService
from tests.viewer.fakes import Broken, FakeEngine, FakeOpener
from tests.viewer.threads import SECONDS, Events, await_pass, hold, request, side


@pytest.fixture
def service(events: Events, engine: FakeEngine) -> Iterator[RenderService]:
    service = RenderService(events)
    service.install(engine, 1)
    yield service
    service.close()


def test_passes_arrive_in_order(service: RenderService, events: Events) -> None:
    service.submit(request(1))
    assert [events.next() for _ in range(4)] == [
        ("frame", 1, 16), ("frame", 1, 4), ("frame", 1, 1), ("done", 1),
    ]  # fmt: skip


def test_the_newest_request_wins(service: RenderService, events: Events, engine: FakeEngine) -> None:
    gate = hold(engine)
    service.submit(request(1))
    await_pass(engine)
    for number in range(2, 50):
        service.submit(request(number))
    gate.release(100)
    seen = [events.next() for _ in range(4)]
    assert {number for _, number, *_ in seen} == {49}
    assert len(engine.requests) == 2  # the one that was cancelled and the newest


def test_a_cancelled_request_reports_nothing_more(
    service: RenderService, events: Events, engine: FakeEngine
) -> None:
    gate = hold(engine)
    service.submit(request(1))
    gate.release()
    assert events.next() == ("frame", 1, 16)
    service.cancel()
    gate.release(100)
    service.submit(request(2))
    assert events.next()[:2] == ("frame", 2)


def test_cancelling_takes_less_than_a_tenth_of_a_second(service: RenderService, engine: FakeEngine) -> None:
    hold(engine)
    service.submit(request(1))
    await_pass(engine)
    began = time.monotonic()
    service.close()
    assert time.monotonic() - began < 0.1


def test_a_failure_is_told_once_and_the_next_request_succeeds(
    service: RenderService, events: Events, engine: FakeEngine
) -> None:
    engine.fail_with = Broken("seed 5 has no picture")
    service.submit(request(1))
    assert events.next() == ("error", 1, "seed 5 has no picture")
    engine.fail_with = None
    service.submit(request(2))
    assert events.next() == ("frame", 2, 16)


def test_an_unforeseen_failure_names_itself_and_the_thread_lives(
    service: RenderService, events: Events, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.fail_with = ZeroDivisionError("float division\nby zero")
    service.submit(request(1))
    assert events.next() == ("error", 1, "rendering failed: ZeroDivisionError: float division")
    assert "Traceback" in caplog.text
    engine.fail_with = None
    service.submit(request(2))
    assert events.next() == ("frame", 2, 16)


def finish(events: Events, number: int) -> None:
    while events.next() != ("done", number):
        pass


def test_the_newest_frame_is_offered_for_reuse_or_an_older_one_that_is_a_pan_away(
    service: RenderService, events: Events, engine: FakeEngine
) -> None:
    away = dataclasses.replace(request(2, zoom=1), moving=True)
    for job in (request(1), away, request(3), request(4, zoom=2), request(5)):
        service.submit(job)
        finish(events, job.id)
    offered = [None if frame is None else float(frame.view.log2_zoom) for frame in engine.previous]
    # 3 is where 1 was, before a gesture went elsewhere and came back
    assert offered == [None, 0, 0, 0, 2]
    assert [frame.samples for frame in engine.previous if frame is not None] == [engine] * 4


def test_drafts_of_another_precision_are_not_offered(
    service: RenderService, events: Events, engine: FakeEngine
) -> None:
    engine.exact_drafts = False
    for job in (request(1), dataclasses.replace(request(2, zoom=1), moving=True), request(3, zoom=1)):
        service.submit(job)
        finish(events, job.id)
    offered = [None if frame is None else float(frame.view.log2_zoom) for frame in engine.previous]
    assert offered == [None, 0, 0]


def test_engines_are_closed_when_another_takes_their_place_and_at_the_end(
    service: RenderService, events: Events, engine: FakeEngine
) -> None:
    gate = hold(engine)
    service.submit(request(1))
    await_pass(engine)
    other = FakeEngine()
    service.install(other, 2)
    service.submit(request(2, generation=2))
    gate.release(100)
    finish(events, 2)
    assert (engine.closed, other.closed) == (1, 0)
    assert other.previous == [None]  # nothing of the other checkpoint
    service.close()
    assert (engine.closed, other.closed) == (1, 1)


def test_side_jobs_wait_for_the_picture_and_start_again(
    service: RenderService, events: Events, engine: FakeEngine
) -> None:
    gate = hold(engine)
    service.request_side(side("map", 1))
    await_pass(engine)
    service.submit(request(1))
    service.request_side(side("map", 2))  # replaces the one that was interrupted
    service.request_side(side("other", 3))
    gate.release(100)
    seen = [events.next() for _ in range(6)]
    assert [event[0] for event in seen[:4]] == ["frame", "frame", "frame", "done"]
    assert set(seen[4:]) == {("side", "map", 2), ("side", "other", 3)}


def test_side_jobs_come_by_rank_and_can_be_dropped(
    service: RenderService, events: Events, engine: FakeEngine
) -> None:
    gate = hold(engine)
    service.request_side(side("first", 1))
    await_pass(engine)
    service.request_side(dataclasses.replace(side("late", 2), rank=2))
    service.request_side(dataclasses.replace(side("early", 3), rank=1))
    service.request_side(side("gone", 4))
    service.drop_side("gone")
    service.drop_side("first")  # it runs, and is stopped
    assert service.side_jobs == 2
    gate.release(100)
    assert [events.next(), events.next()] == [("side", "early", 3), ("side", "late", 2)]


def test_a_side_job_that_fails_is_silent_and_not_repeated(
    service: RenderService, events: Events, engine: FakeEngine
) -> None:
    engine.fail_with = Broken("no")
    service.request_side(side("map", 1))
    service.submit(request(1))
    while events.next() != ("error", 1, "no"):
        pass
    engine.fail_with = None
    service.submit(request(2))
    assert [events.next()[0] for _ in range(4)] == ["frame", "frame", "frame", "done"]
    service.request_side(side("map", 4))
    assert events.next() == ("side", "map", 4)


def test_work_for_an_older_document_is_dropped(
    service: RenderService, events: Events, engine: FakeEngine
) -> None:
    service.install(engine, 2)
    service.submit(request(1, generation=1))
    service.request_side(side("map", 1, generation=1))
    service.submit(request(2, generation=2))
    assert events.next() == ("frame", 2, 16)


def test_close_may_be_called_twice_and_silences(events: Events, engine: FakeEngine) -> None:
    service = RenderService(events)
    service.install(engine, 1)
    gate = hold(engine)
    service.submit(request(1))
    await_pass(engine)
    service.close()
    service.close()
    gate.release(100)
    assert events.queue.empty()


def test_a_file_is_read_on_another_thread(events: Events, engine: FakeEngine) -> None:
    loader = Loader(FakeOpener(engine), events)
    assert loader.load(Path("scenery.pkl")) == 1
    assert [events.next() for _ in range(3)] == [
        ("progress", 1, 1, 2), ("progress", 1, 2, 2), ("loaded", 1, "scenery"),
    ]  # fmt: skip
    loader.load(Path("bad.pkl"))
    assert events.next() == ("progress", 2, 1, 2)
    assert events.next() == ("load error", 2, "bad.pkl is not a checkpoint")
    loader.close()


def test_a_newer_load_cancels_the_older(events: Events, engine: FakeEngine) -> None:
    started, stopped = threading.Event(), threading.Event()

    def opener(path: Path, progress: Progress, cancel: CancelToken) -> Opened:
        if path.name == "slow.pkl":
            started.set()
            while not cancel.cancelled:
                time.sleep(0.001)
            stopped.set()
            raise Cancelled("cancelled")
        return Opened(path.stem, path, "", engine)

    loader = Loader(opener, events)
    loader.load(Path("slow.pkl"))
    assert started.wait(SECONDS)
    loader.load(Path("quick.pkl"))
    assert events.next() == ("loaded", 2, "quick")
    assert stopped.wait(SECONDS)
    loader.close()
    assert events.queue.empty()
