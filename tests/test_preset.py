import configparser
import dataclasses
import os
import sys
from pathlib import Path

import pytest

from factory_lib.errors import PresetError
from factory_lib.preset import MotionPreset
from factory_lib.resources import resource_path

SLIDE = {
    "inverted": "False",
    "flipped": "False",
    "top_margin": "10",
    "threshold": "127",
    "top_ratio": "0.6",
    "mid_ratio": "0.4",
    "skip_time": "0.099",
    "roi_top_left": "(12, 0)",
    "roi_bottom_right": "(212, 90)",
    "crop_top_left": "(0, 10)",
    "crop_bottom_right": "(224, 234)",
}


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def section(name: str = "default", **values: str) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())


def test_the_shipped_default_section_is_the_slides_and_so_are_the_defaults_of_the_class() -> None:
    parser = configparser.ConfigParser()
    parser.read(resource_path("motion.cfg"), encoding="utf-8")

    assert dict(parser["default"]) == SLIDE
    assert MotionPreset.load(resource_path("motion.cfg")) == MotionPreset()
    assert {name: str(value) for name, value in dataclasses.asdict(MotionPreset()).items()} == SLIDE | {
        "reference": "none"
    }


def test_a_file_of_the_kits_tool_is_read_with_its_kinds_of_values(tmp_path: Path) -> None:
    path = write(
        tmp_path / "motion.cfg",
        section("cam2", **SLIDE | {"inverted": "True", "top_ratio": "1", "roi_top_left": "(20,30)"}),
    )

    preset = MotionPreset.load(path, "cam2")

    assert preset == MotionPreset(inverted=True, top_ratio=1.0, roi_top_left=(20, 30))


def test_missing_keys_take_the_slides_values(tmp_path: Path) -> None:
    path = write(tmp_path / "motion.cfg", section(threshold="90"))

    assert MotionPreset.load(path) == MotionPreset(threshold=90)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm_and_the_line_ends_stay(tmp_path: Path) -> None:
    path = tmp_path / "motion.cfg"
    path.write_bytes(b"\xef\xbb\xbf[default]\r\nthreshold = 90\r\n\r\n[other]\r\nthreshold = 1\r\n")

    assert MotionPreset.load(path).threshold == 90
    MotionPreset().save(path)

    content = path.read_bytes()
    assert b"[other]\r\nthreshold = 1\r\n" in content
    assert content.count(b"\n") == content.count(b"\r\n")


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("inverted", "yes", ["True or False"]),
        ("inverted", "1", ["True or False"]),
        ("top_margin", "ten", ["a whole number"]),
        ("top_margin", "10.5", ["a whole number"]),
        ("threshold", "True", ["a whole number"]),
        ("threshold", "256", ["between 0 and 255"]),
        ("top_ratio", "0,6", ["a number"]),
        ("top_ratio", "1.1", ["between 0 and 1"]),
        ("mid_ratio", "-0.1", ["between 0 and 1"]),
        ("mid_ratio", "1e999", ["a number"]),
        ("skip_time", "-1", ["0 or more seconds"]),
        ("skip_time", "", ["a number"]),
        ("roi_top_left", "12", ["a point (x, y)"]),
        ("roi_top_left", "(1, 2, 3)", ["a point (x, y)"]),
        ("roi_top_left", "(1.5, 2)", ["a point (x, y)"]),
        ("roi_top_left", "(-1, 0)", ["outside every frame"]),
        ("roi_bottom_right", "(5, 90)", ["upside down or empty", "(12, 0)"]),
        ("roi_bottom_right", "(212, 0)", ["upside down or empty"]),
        ("crop_bottom_right", "(0, 234)", ["upside down or empty", "crop_top_left = (0, 10)"]),
        ("top_margin", "90", ["inside the ROI", "90 pixels high"]),
        ("top_margin", "0", ["inside the ROI"]),
        ("reference", "median", ["none, previous, background"]),
    ],
)
def test_a_wrong_value_is_one_error_that_names_file_section_and_key(
    tmp_path: Path, key: str, text: str, words: list[str]
) -> None:
    path = write(tmp_path / "motion.cfg", section("cam7", **{key: text}))

    with pytest.raises(PresetError) as caught:
        MotionPreset.load(path, "cam7")

    message = str(caught.value)
    for word in [str(path), "[cam7]", key, *words]:
        assert word in message
    assert "\n" not in message


def test_values_are_never_evaluated_as_code(tmp_path: Path) -> None:
    victim = tmp_path / "made"
    path = write(tmp_path / "motion.cfg", section(threshold=f"open({str(victim)!r}, 'w')"))

    with pytest.raises(PresetError, match="a whole number"):
        MotionPreset.load(path)

    assert not victim.exists()


def test_an_unknown_key_gets_the_nearest_one_suggested(tmp_path: Path) -> None:
    path = write(tmp_path / "motion.cfg", section(treshold="90"))

    with pytest.raises(PresetError, match=r"no key treshold\. Did you mean threshold\?"):
        MotionPreset.load(path)


def test_an_unknown_key_that_resembles_none_gets_the_list(tmp_path: Path) -> None:
    path = write(tmp_path / "motion.cfg", section(qqq="1"))

    with pytest.raises(PresetError, match=r"Known keys: inverted, .*reference\."):
        MotionPreset.load(path)


def test_a_missing_section_lists_those_there_are_without_backups(tmp_path: Path) -> None:
    path = write(tmp_path / "motion.cfg", section("default") + section("_default_backup_") + section("cam2"))

    with pytest.raises(PresetError, match=r"no section \[cam3\]; sections there: default, cam2\."):
        MotionPreset.load(path, "cam3")


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match=r"no preset file .*motion\.cfg\. .*iotdemo-motion-detector"):
        MotionPreset.load(tmp_path / "motion.cfg")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"threshold = 1\n", "is not a preset file"),
        (b"[default]\nthreshold = 1\n[default]\n", "is not a preset file"),
        (b"[default]\nthreshold = 1\nthreshold = 2\n", "is not a preset file"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "not a text file"),
    ],
)
def test_what_is_no_preset_file_is_refused_for_loading_and_kept_on_saving(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "motion.cfg"
    path.write_bytes(content)

    with pytest.raises(PresetError, match=words):
        MotionPreset.load(path)
    with pytest.raises(PresetError, match=words):
        MotionPreset().save(path)

    assert path.read_bytes() == content


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="cannot be read"):
        MotionPreset.load(tmp_path)


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    preset = MotionPreset(inverted=True, threshold=90, roi_top_left=(1, 2), reference="background")

    preset.save(tmp_path / "motion.cfg", "cam 2")

    assert MotionPreset.load(tmp_path / "motion.cfg", "cam 2") == preset


def test_the_kits_tool_can_read_what_is_saved_without_a_reference(tmp_path: Path) -> None:
    MotionPreset().save(tmp_path / "motion.cfg")

    parser = configparser.ConfigParser()
    parser.read(tmp_path / "motion.cfg", encoding="utf-8")
    assert dict(parser["default"]) == SLIDE


def test_saving_backs_the_section_up_and_keeps_every_other_line(tmp_path: Path) -> None:
    others = (
        "# line one\n\n[cam2]\n; why\ninverted = True\nmine = kept\n\n"
        "# about the backup\n[_cam2_backup_]\nthreshold = 1\n\n"
    )
    path = write(tmp_path / "motion.cfg", others + "# about default\n[default]\nthreshold = 90\n# note")

    MotionPreset(threshold=91).save(path)
    MotionPreset(threshold=92).save(path)

    text = path.read_text(encoding="utf-8")
    assert text.startswith(others + "# about default\n[default]\n")
    assert MotionPreset.load(path).threshold == 92
    assert MotionPreset.load(path, "_default_backup_").threshold == 91
    parser = configparser.ConfigParser()
    parser.read(path, encoding="utf-8")
    assert parser.sections() == ["cam2", "_cam2_backup_", "default", "_default_backup_"]


def test_the_first_backup_keeps_the_old_section_with_its_notes(tmp_path: Path) -> None:
    path = write(tmp_path / "motion.cfg", "[default]\n# tuned by Kim\nthreshold = 90")

    MotionPreset().save(path)

    assert "[_default_backup_]\n# tuned by Kim\nthreshold = 90\n" in path.read_text(encoding="utf-8")


def test_sections_stand_apart(tmp_path: Path) -> None:
    path = tmp_path / "motion.cfg"
    for key in ("default", "cam2", "cam2"):
        MotionPreset().save(path, key)

    section = "".join(f"{name} = {value}\n" for name, value in SLIDE.items())
    assert path.read_text(encoding="utf-8") == (
        f"[default]\n{section}\n[cam2]\n{section}\n[_cam2_backup_]\n{section}"
    )


def test_a_crash_while_saving_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "motion.cfg", section(threshold="90"))
    before = path.read_bytes()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        MotionPreset().save(path)

    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["motion.cfg"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows wants a privilege for links and has no modes")
def test_a_link_stays_a_link_and_the_mode_stays(tmp_path: Path) -> None:
    target = write(tmp_path / "real.cfg", section(threshold="90"))
    target.chmod(0o640)
    link = tmp_path / "motion.cfg"
    link.symlink_to(target)

    MotionPreset(threshold=91).save(link)

    assert link.is_symlink()
    assert MotionPreset.load(target).threshold == 91
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="cannot be written: No such file"):
        MotionPreset().save(tmp_path / "nowhere" / "motion.cfg")


@pytest.mark.parametrize("key", ["", " ", "a]b", "a\nb", " a"])
def test_a_name_that_cannot_be_a_section_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(PresetError, match="section's name"):
        MotionPreset().save(tmp_path / "motion.cfg", key)

    assert not (tmp_path / "motion.cfg").exists()


def test_an_indented_header_is_refused_rather_than_misread(tmp_path: Path) -> None:
    path = write(tmp_path / "motion.cfg", "  [default]\nthreshold = 90\n")

    with pytest.raises(PresetError, match="indented"):
        MotionPreset().save(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("inverted", 1),
        ("threshold", 12.0),
        ("top_ratio", "0.6"),
        ("roi_top_left", [12, 0]),
        ("skip_time", float("nan")),
    ],
)
def test_a_wrong_value_in_python_names_its_key(key: str, value: object) -> None:
    with pytest.raises(PresetError, match=key):
        MotionPreset(**{key: value})  # type: ignore[arg-type]
