import os
import pickle
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import numpy as np
import pytest
import ring_work
from conftest import MakeClip, turns, wait_until
from ring_work import SHAPE, left_in_the_system, still_at_work

import factory_lib
from factory_lib.errors import FactoryError, RingClosed, RingError, RingTimeout
from factory_lib.processes.producer import RingProducer
from factory_lib.processes.ring import FrameRing
from factory_lib.video import open_video

CONTEXT = get_context("spawn")
# At how many moments a process is killed: an even one is early, an odd one late, and one of each is quick.
KILLS = turns(6, quick=2)


@pytest.fixture(autouse=True)
def nothing_left_in_the_system() -> Iterator[None]:
    yield
    assert left_in_the_system() == []


def start(target: Callable[..., None], end: RingProducer, *args: object) -> SpawnProcess:
    with end:
        process = CONTEXT.Process(target=target, args=(end, *args), daemon=True)
        process.start()
    return process


def ended(process: SpawnProcess) -> int | None:
    process.join(timeout=30)
    return process.exitcode


def filled(value: int) -> np.ndarray:
    return np.full(SHAPE, value, np.uint8)


def take_all(ring: FrameRing) -> list[tuple[str, int, float, int]]:
    seen = []
    with suppress(RingClosed):
        while True:
            with ring.take(timeout=60) as frame:
                seen.append((frame.camera, frame.index, frame.time, int(frame.image.max())))
                assert frame.image.min() == frame.image.max()
    return seen


# Between processes


@pytest.mark.parametrize("target", [ring_work.put_counted, ring_work.fill_in_place])
def test_every_frame_arrives_once_in_order_with_its_number_time_and_pixels(
    target: Callable[..., None],
) -> None:
    with FrameRing(SHAPE, slots=3) as ring:
        process = start(target, ring.producer("Cam1"), 500)

        assert take_all(ring) == [("Cam1", number, number / 30, number % 251) for number in range(500)]
        assert ring.dropped == {"Cam1": 0}
        assert ended(process) == 0


def test_two_producers_each_keep_their_order_and_both_have_their_turn() -> None:
    with FrameRing(SHAPE, producers=["A", "B"]) as ring:
        processes = [start(ring_work.put_counted, ring.producer(name), 300) for name in ("A", "B")]
        assert wait_until(lambda: ring.qsize() == 16)  # both are full
        seen = take_all(ring)

        assert [index for name, index, _, _ in seen if name == "A"] == list(range(300))
        assert [index for name, index, _, _ in seen if name == "B"] == list(range(300))
        assert {name for name, *_ in seen[:2]} == {"A", "B"}
        assert [ended(process) for process in processes] == [0, 0]


def test_a_clip_is_read_straight_into_the_ring(make_clip: MakeClip) -> None:
    path = make_clip(frames=40)
    with open_video(path) as source:
        expected = [(frame.image.copy(), frame.time) for frame in source]
    with FrameRing(SHAPE, slots=2) as ring:
        process = start(ring_work.read_clip, ring.producer("Cam1"), str(path))
        number = 0
        with pytest.raises(RingClosed, match="closed, here or by all"):
            while True:
                with ring.take(timeout=60) as frame:
                    assert np.array_equal(frame.image, expected[number][0])
                    assert frame.time == pytest.approx(expected[number][1])
                    number += 1

        assert number == 40
        assert ended(process) == 0


def test_a_process_that_was_given_an_end_the_parent_forgot_to_close_is_still_heard_dying() -> None:
    with FrameRing(SHAPE) as ring:
        process = CONTEXT.Process(target=ring_work.put_for_ever, args=(ring.producer("Cam1"),))
        process.start()
        ring.take(timeout=60).give_back()
        process.kill()
        with pytest.raises(RingError, match="Cam1's process has ended without closing"):
            while True:
                ring.take(timeout=60).give_back()
        assert ended(process) != 0


def test_a_producer_that_fails_publishes_nothing_of_that_frame_and_is_heard() -> None:
    with FrameRing(SHAPE) as ring:
        process = start(ring_work.fail_after, ring.producer("Cam1"), 3)
        for number in range(3):
            with ring.take(timeout=60) as frame:
                assert frame.image.max() == number
        with pytest.raises(RingError, match="Cam1's process has ended without closing its end"):
            ring.take(timeout=60)
        with pytest.raises(RingClosed):  # it is said once
            ring.take(timeout=60)
        assert ended(process) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_an_end_that_came_by_a_fork_says_how_to_start_the_process() -> None:
    context = get_context("fork")
    here, there = context.Pipe()
    with here, there, FrameRing(SHAPE) as ring:
        process = context.Process(target=ring_work.put_one, args=(ring.producer("Cam1"), there))
        process.start()
        assert here.poll(timeout=60)
        assert (
            "has come into this process by a fork. Start the process by get_context('spawn')" in here.recv()
        )
        process.join(timeout=30)
        assert process.exitcode == 0


# Who is killed


@pytest.mark.parametrize("turn", KILLS)
def test_a_producer_killed_at_a_random_moment_is_heard_at_once_and_its_frames_are_whole(turn: int) -> None:
    rng = random.Random(3 + turn)
    with FrameRing(SHAPE, producers=["A", "B"]) as ring:
        victim = start(ring_work.put_for_ever, ring.producer("A"))
        other = start(ring_work.put_counted, ring.producer("B"), 200)
        # Some are killed before their first frame, some long after. On Windows a process that has not
        # unpacked its end leaves it open; who started it knows its sentinel.
        until = time.monotonic() + rng.uniform(0.0, 1.0)
        if turn % 2 or sys.platform == "win32":
            ring.take(timeout=60).give_back()
            until = time.monotonic() + rng.uniform(0.0, 0.02)
        killed, heard = False, []
        seen: dict[str, list[int]] = {"A": [], "B": []}
        while True:
            if not killed and time.monotonic() >= until:
                victim.kill()
                killed = True
            try:
                with ring.take(timeout=60 if killed else 0.01) as frame:
                    assert frame.image.min() == frame.image.max() == frame.index % 251
                    seen[frame.camera].append(frame.index)
            except RingTimeout:
                assert not killed
            except RingClosed:
                break
            except RingError as error:
                heard.append(error.what)
        assert heard == ["A's process has ended without closing its end of the ring."]
        for indexes in seen.values():
            first = indexes[0] if indexes else 0
            assert indexes == list(range(first, first + len(indexes)))
        assert seen["B"][-1] == 199
        assert ended(victim) not in (None, 0)
        assert ended(other) == 0


@pytest.mark.parametrize("takes", [True, False], ids=["that takes", "that never takes"])
def test_the_producers_of_a_killed_consumer_end_by_themselves_and_leave_nothing(takes: bool) -> None:
    here, there = CONTEXT.Pipe()
    with here, there:
        owner = CONTEXT.Process(target=ring_work.own_a_ring, args=(there, takes))
        owner.start()
        assert here.poll(timeout=60)
        _, *producers = here.recv()
        owner.kill()
        assert ended(owner) != 0
        assert still_at_work(producers, seconds=30) == []


OWNER = """
import sys, time
sys.path.insert(0, "tests")
import ring_work

class Pids:
    def send(self, numbers):
        print(*numbers, flush=True)

if __name__ == "__main__":
    print("begun", flush=True)
    ring_work.own_a_ring(Pids(), takes=True)
"""


@pytest.mark.parametrize("turn", KILLS)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no names of shared memory that could stay")
def test_an_owner_killed_at_a_random_moment_leaves_no_name_no_process_and_no_warning(
    turn: int, tmp_path: Path
) -> None:
    rng = random.Random(4 + turn)
    script = tmp_path / "owner.py"
    script.write_text(OWNER.replace('"tests"', repr(str(Path(__file__).parent.parent))), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "begun\n"
        if turn % 2:
            owner.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.3))  # the moment
        owner.kill()
        # Read until the last process that could write there is gone.
        _, errors = owner.communicate(timeout=60)
    assert left_in_the_system() == []
    assert "resource_tracker" not in errors


def test_a_producer_hears_whether_its_consumer_closed_or_died() -> None:
    here, there = CONTEXT.Pipe()
    with here, there:
        with FrameRing(SHAPE) as ring:
            process = start(ring_work.put_for_ever, ring.producer("Cam1"), there)
            ring.take(timeout=60).give_back()
        assert here.poll(timeout=60)
        assert here.recv() == ("RingClosed", "The consumer has closed the ring. Put no more frames into it.")
        assert ended(process) == 0


def test_a_producer_that_waits_hears_the_ring_close() -> None:
    here, there = CONTEXT.Pipe()
    with here, there:
        with FrameRing(SHAPE, slots=2) as ring:
            process = start(ring_work.put_for_ever, ring.producer("Cam1"), there)
            assert wait_until(lambda: ring.qsize() == 2)  # now it waits, since nothing is taken
        assert here.poll(timeout=60)
        assert here.recv()[0] == "RingClosed"
        assert ended(process) == 0


# In one process


def test_the_frame_is_seen_where_the_producer_wrote_it_without_any_copy() -> None:
    with FrameRing(SHAPE) as ring:
        end = ring.producer("Cam1")
        with end.reserve() as image:
            image[:] = 1
        with ring.take(timeout=5) as frame:
            assert np.all(frame.image == 1)
            # The same pages, mapped twice: what is written there now is seen in the frame at once.
            end._layout.image(end._segment.memory, 0)[:] = 2
            assert np.all(frame.image == 2)


def test_an_image_is_read_only_for_the_consumer_and_after_its_block_for_the_producer() -> None:
    with FrameRing(SHAPE) as ring:
        with ring.producer("Cam1").reserve() as image:
            image[:] = 1
        with pytest.raises(ValueError, match="read-only"):
            image[:] = 2
        with ring.take(timeout=5) as frame, pytest.raises(ValueError, match="read-only"):
            frame.image[:] = 3


def test_an_image_used_after_its_block_raises() -> None:
    with FrameRing(SHAPE) as ring:
        ring.producer("Cam1").put(filled(1))
        with ring.take(timeout=5) as frame:
            pass
        with pytest.raises(RingError, match=r"frame 0 of Cam1 was given back .* frame\.image\.copy\(\)"):
            frame.image  # noqa: B018


@pytest.mark.parametrize(
    "keep",
    [lambda image: image, lambda image: image[3:5, ::2], lambda image: image.reshape(-1), memoryview],
    ids=["itself", "a slice", "a reshape", "a memoryview"],
)
def test_an_image_that_is_kept_beyond_its_block_raises_at_once(keep: Callable[[np.ndarray], object]) -> None:
    with FrameRing(SHAPE, slots=2) as ring:
        for number in range(3):  # the slots are free again all the same
            ring.producer("Cam1").put(filled(number))
            held = pytest.raises(RingError, match=f"frame {number} of Cam1 is still held outside")
            with held, ring.take(timeout=5) as frame:
                kept = keep(frame.image)
            del kept


def test_a_copy_may_be_kept_and_an_error_in_the_block_is_not_hidden_by_a_kept_image() -> None:
    with FrameRing(SHAPE) as ring:
        ring.producer("Cam1").put(filled(7))
        ring.producer("Cam1").put(filled(8))
        with ring.take(timeout=5) as frame:
            copy = frame.image.copy()
        with pytest.raises(ZeroDivisionError), ring.take(timeout=5) as frame:
            kept = frame.image
            _ = 1 / 0
    assert copy.max() == 7
    assert kept.max() == 8  # readable as long as somebody has it, also after the ring


def test_an_exception_in_place_publishes_nothing_and_the_slot_is_used_again() -> None:
    with FrameRing(SHAPE, slots=2) as ring:
        end = ring.producer("Cam1")
        for _ in range(5):
            with pytest.raises(OSError, match="cable"), end.reserve() as image:
                image[:] = 9
                raise OSError("cable")
        slot = end.reserve()
        with slot:
            slot.cancel()
        assert (ring.qsize(), end.published) == (0, 0)
        end.put(filled(1))
        with ring.take(timeout=5) as frame:
            assert (frame.index, frame.image.max()) == (0, 1)


def test_index_and_time_are_the_producers_and_can_be_set_in_the_block() -> None:
    with FrameRing(SHAPE) as ring:
        end = ring.producer("Cam1")
        end.put(filled(0), 41, 1.5)
        slot = end.reserve()
        with slot:
            slot.index, slot.time = 43, 2.5
        before = time.monotonic()
        end.put(filled(0))
        seen = []
        for _ in range(3):
            with ring.take(timeout=5) as frame:
                seen.append((frame.index, frame.time))

    assert seen[:2] == [(41, 1.5), (43, 2.5)]
    assert seen[2][0] == 2
    assert before <= seen[2][1] <= time.monotonic()


def test_a_full_ring_drops_and_counts_when_it_is_made_to() -> None:
    with FrameRing(SHAPE, slots=2, drop=True) as ring:
        end = ring.producer("Cam1")
        assert [end.put(filled(number)) for number in range(4)] == [True, True, False, False]
        with end.reserve() as image:
            image[:] = 5  # goes nowhere
        assert (end.published, end.dropped) == (2, 3)
        with ring.take(timeout=5) as frame:
            assert (frame.index, frame.image.max()) == (0, 0)
        with end.reserve() as image:
            image[:] = 6
        end.close()
        assert [(index, value) for _, index, _, value in take_all(ring)] == [(1, 1), (5, 6)]
        assert ring.dropped == {"Cam1": 3}  # read = delivered + dropped: 6 = 3 + 3


def test_a_full_ring_waits_and_gives_up_after_the_time_that_was_given() -> None:
    with FrameRing(SHAPE, slots=2) as ring:
        end = ring.producer("Cam1")
        end.put(filled(0))
        end.put(filled(1))
        with pytest.raises(RingTimeout, match=r"For 0\.05 s no slot of Cam1 has become free"):
            end.put(filled(2), timeout=0.05)
        with pytest.raises(RingTimeout):
            end.reserve(timeout=0)
        thread = threading.Thread(target=end.put, args=(filled(2),), kwargs={"timeout": 60})
        thread.start()  # it waits, and goes on when one is taken
        assert [value for _, _, _, value in (take_one(ring) for _ in range(3))] == [0, 1, 2]
        thread.join(timeout=60)


def take_one(ring: FrameRing) -> tuple[str, int, float, int]:
    with ring.take(timeout=60) as frame:
        return frame.camera, frame.index, frame.time, int(frame.image.max())


def test_taking_gives_up_after_the_time_that_was_given() -> None:
    with FrameRing(SHAPE) as ring:
        with pytest.raises(RingTimeout, match=r"No frame has come for 0\.05 s"):
            ring.take(timeout=0.05)
        with pytest.raises(RingTimeout):
            ring.take(timeout=0)


def test_a_ring_can_be_waited_for_beside_other_things() -> None:
    with FrameRing(SHAPE, producers=["A", "B"]) as ring:
        assert wait(ring.connections, timeout=0) == []
        ring.producer("B").put(filled(0))
        assert len(wait(ring.connections, timeout=5)) == 1
        assert ring.qsize() == 1


def test_a_ring_that_is_closed_takes_and_gives_no_more() -> None:
    ring = FrameRing(SHAPE)
    end = ring.producer("Cam1")
    end.put(filled(0))
    ring.take(timeout=5)
    ring.close()
    ring.close()
    with pytest.raises(RingClosed):
        ring.take(timeout=5)
    with pytest.raises(RingError, match="Cam1's end of the ring is closed here"):
        end.put(filled(0))


def test_misuse_is_said_in_one_sentence() -> None:
    with FrameRing(SHAPE, producers=["A", "B"]) as ring:
        end = ring.producer("A")
        with pytest.raises(RingError, match=r"A's image is uint8 of shape \(2, 2\), and the ring"):
            end.put(np.zeros((2, 2), np.uint8))
        with pytest.raises(RingError, match="float64"):
            end.put(np.zeros(SHAPE))
        with pytest.raises(RingError, match="no producer 'C'. It was made for A, B"):
            ring.producer("C")
        with end.reserve(), pytest.raises(RingError, match="has reserved a slot already"):
            end.reserve()
        with pytest.raises(RingError, match="only be given to a process that is just being started"):
            pickle.dumps(end)
        frame = ring.take(timeout=5)
        with pytest.raises(RingError, match="Frame 0 of A is still in use"):
            ring.take(timeout=5)
        frame.give_back()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shape": ()}, "shape ()"),
        ({"shape": (0, 4)}, "shape (0, 4)"),
        ({"dtype": object}, "dtype object"),
        ({"slots": 1}, "cannot have 1 slots"),
        ({"slots": 1000}, "cannot have 1000 slots"),
        ({"producers": []}, "names that differ"),
        ({"producers": ["A", "A"]}, "names that differ"),
        ({"producers": "Cam1"}, "names that differ"),
    ],
)
def test_a_ring_that_cannot_be_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(RingError) as caught:
        FrameRing(**{"shape": SHAPE, **options})  # type: ignore[arg-type]
    assert words in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="only there it is known before it is used")
def test_more_memory_than_there_is_is_refused() -> None:
    with pytest.raises(RingError, match="MB of shared memory are not to be had"):
        FrameRing((100_000, 100_000, 3), slots=100)


def test_other_shapes_and_dtypes_go_through_too() -> None:
    for shape, dtype in (((7,), np.float64), ((3, 5), np.uint16), ((2, 2, 2, 2), np.complex64)):
        values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
        with FrameRing(shape, dtype) as ring:
            ring.producer("Cam1").put(values)
            with ring.take(timeout=5) as frame:
                assert np.array_equal(frame.image, values)
                assert frame.image.dtype == dtype


def test_the_ring_is_a_public_name() -> None:
    assert factory_lib.FrameRing is FrameRing
    assert issubclass(RingTimeout, RingError)
    assert issubclass(RingError, FactoryError)
    with pytest.raises(AttributeError, match="FrameRinge"):
        factory_lib.FrameRinge  # noqa: B018
