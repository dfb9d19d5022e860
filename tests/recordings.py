"""Recordings that are inspected in a moment: many small ones, and the beginning of a shipped one."""

import itertools
from dataclasses import replace
from pathlib import Path

import av
import cv2

from factory_lib.conveyor.belt import Belt
from factory_lib.ground_truth import GroundTruth

LENGTH = 40
FIRST = 44  # until then the belt is empty


def small_recordings(folder: Path, count: int = 50, length: int = LENGTH) -> list[Path]:
    """Film one small belt so many times, each from another frame on."""
    belt = Belt("dark", parts=7, speed=20, size=(160, 120), seed=3)
    images = belt[FIRST : FIRST + length + 2 * count]
    paths = [folder / f"{index}.mp4" for index in range(count)]
    for index, path in enumerate(paths):
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), belt.fps, belt.size)
        assert writer.isOpened()
        for image in images[2 * index :][:length]:
            writer.write(image)
        writer.release()
    return paths


def beginning(clip: Path, folder: Path, frames: int) -> Path:
    """Cut the first frames off a clip, as they are, and of its truth the parts that have passed by then."""
    path = folder / clip.name
    with av.open(clip) as source, av.open(path, "w") as cut:
        video = source.streams.video[0]
        stream = cut.add_stream_from_template(video)
        for packet in itertools.islice(source.demux(video), frames):
            packet.stream = stream
            cut.mux(packet)
    truth = GroundTruth.load(clip.with_suffix(".json"))
    passed = tuple(part for part in truth.parts if part.good_shot[1] < frames)
    replace(truth, frames=frames, parts=passed).save(path.with_suffix(".json"))
    return path
