"""Many small recordings, made in a moment."""

from pathlib import Path

import cv2

from factory_lib.conveyor import Belt

LENGTH = 40
FIRST = 44  # until then the belt is empty


def small_recordings(folder: Path, count: int = 50) -> list[Path]:
    """Film one small belt so many times, each from another frame on."""
    belt = Belt("dark", parts=7, speed=20, size=(160, 120), seed=3)
    images = belt[FIRST : FIRST + LENGTH + 2 * count]
    paths = [folder / f"{index}.mp4" for index in range(count)]
    for index, path in enumerate(paths):
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), belt.fps, belt.size)
        assert writer.isOpened()
        for image in images[2 * index :][:LENGTH]:
            writer.write(image)
        writer.release()
    return paths
