"""The second picture on the render thread: after the first, latest wins, with an engine of its own or not."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from creps_core.consistency import doubled_size, scale_consistency
from creps_core.frame import Frame
from creps_viewer.service.worker import RenderService
from tests.viewer.fakes import Broken, FakeEngine
from tests.viewer.threads import SIZE, Events, await_pass, hold, request, side


class Second(Events):
    """Events of the second picture, in the same queue as the first one's."""

    def __init__(self, first: Events) -> None:
        self.queue = first.queue
        self.frames: list[Frame] = []

    def on_frame(self, request: int, frame: Frame) -> None:
        self.frames.append(frame)
        self.queue.put(("second", request, frame.stride))

    def on_done(self, request: int) -> None:
        self.queue.put(("second done", request))

    def on_error(self, request: int, message: str) -> None:
        self.queue.put(("second error", request, message))

    def on_side(self, key: str, frame: Frame) -> None:
        self.queue.put(("second side", key))


@pytest.fixture
def second(events: Events) -> Second:
    return Second(events)


@pytest.fixture
def service(events: Events, engine: FakeEngine, second: Second) -> Iterator[RenderService]:
    service = RenderService(events)
    service.listen_second(second)
    service.install(engine, 1)
    yield service
    service.close()


def kinds(events: Events, count: int) -> list[str]:
    return [events.next()[0] for _ in range(count)]


def test_the_first_picture_comes_first_and_the_second_before_side_jobs(
    service: RenderService, events: Events, engine: FakeEngine
) -> None:
    gate = hold(engine)
    service.request_side(side("map", 1))
    await_pass(engine)
    service.submit_second(request(1, seed=2))
    await_pass(engine)
    service.submit(request(1))  # stops both
    gate.release(100)
    assert kinds(events, 9) == [
        *("frame", "frame", "frame", "done"),
        *("second", "second", "second", "second done"),
        "side",
    ]


def test_a_gesture_of_the_first_picture_never_waits_for_the_second(
    service: RenderService, events: Events, engine: FakeEngine
) -> None:
    gate = hold(engine)
    service.submit_second(request(1, seed=2))
    for number in range(1, 5):
        await_pass(engine)
        service.submit(request(number))
    gate.release(100)
    assert [events.next()[:2] for _ in range(4)] == [("frame", 4)] * 3 + [("done", 4)]
    assert events.next() == ("second", 1, 16)


def test_the_newest_second_picture_wins_and_leaves_the_first_alone(
    service: RenderService, events: Events, engine: FakeEngine
) -> None:
    gate = hold(engine)
    service.submit(request(1))
    await_pass(engine)
    for number in range(1, 20):
        service.submit_second(request(number, seed=2))
    gate.release(100)
    assert kinds(events, 4) == ["frame", "frame", "frame", "done"]
    assert [events.next() for _ in range(4)] == [
        ("second", 19, 16), ("second", 19, 4), ("second", 19, 1), ("second done", 19),
    ]  # fmt: skip
    assert len(engine.requests) == 2


def test_cancelling_one_picture_leaves_the_other(
    service: RenderService, events: Events, engine: FakeEngine
) -> None:
    gate = hold(engine)
    service.submit_second(request(1, seed=2))
    await_pass(engine)
    service.cancel()
    gate.release(100)
    assert kinds(events, 4) == ["second", "second", "second", "second done"]
    gate = hold(engine)
    service.submit(request(1))
    await_pass(engine)
    service.submit_second(request(2, seed=2))
    service.cancel_second()
    gate.release(100)
    assert kinds(events, 4) == ["frame", "frame", "frame", "done"]


def test_its_own_engine_makes_it_and_is_closed_when_it_goes(
    service: RenderService, events: Events, engine: FakeEngine
) -> None:
    own = FakeEngine(strides=(1,))
    service.install_second(own)
    service.submit_second(request(1))
    assert kinds(events, 2) == ["second", "second done"]
    service.request_side(dataclasses.replace(side("back", 0), second=True))
    assert events.next() == ("second side", "back")
    assert (len(own.requests), len(engine.requests)) == (2, 0)
    service.install_second(None)
    service.submit_second(request(2))
    assert kinds(events, 4) == ["second", "second", "second", "second done"]
    assert (own.closed, engine.closed) == (1, 0)
    service.install_second(own)
    service.close()
    assert (own.closed, engine.closed) == (2, 1)


def test_each_picture_reuses_its_own_frames(
    service: RenderService, events: Events, engine: FakeEngine, second: Second
) -> None:
    for number in (1, 2):
        service.submit(request(number))
        assert kinds(events, 4)[-1] == "done"
        service.submit_second(request(number, zoom=1))
        assert kinds(events, 4)[-1] == "second done"
    zooms = [None if frame is None else int(frame.view.log2_zoom) for frame in engine.previous]
    assert zooms == [None, None, 0, 1]


def test_a_second_picture_that_fails_is_told_once(
    service: RenderService, events: Events, engine: FakeEngine
) -> None:
    engine.fail_with = Broken("no")
    service.submit_second(request(1))
    assert events.next() == ("second error", 1, "no")
    engine.fail_with = None
    service.submit(request(1))
    assert kinds(events, 4) == ["frame", "frame", "frame", "done"]
    assert events.queue.empty()


def test_the_residual_is_made_of_the_frame_and_its_double(
    service: RenderService, events: Events, engine: FakeEngine, second: Second
) -> None:
    job = request(1)
    frame = list(engine.passes(0, job.view, SIZE))[-1]
    double = dataclasses.replace(job, size=doubled_size(SIZE), against=frame)
    service.submit_second(double)
    assert kinds(events, 4)[-1] == "second done"
    found = scale_consistency(frame.pixels, engine.formula(job.view, double.size, 0))
    assert [shown.settled for shown in second.frames] == [False, False, True]
    assert np.array_equal(second.frames[-1].pixels, found.residual)
    assert second.frames[-1].size == SIZE
    assert second.frames[-1].stats.psnr == found.psnr


def test_closing_stops_a_second_picture(service: RenderService, engine: FakeEngine) -> None:
    hold(engine)
    service.submit_second(request(1))
    await_pass(engine)
    service.close()
    assert not any(thread.name == "creps-render" for thread in threading.enumerate())
