"""Answers to exercise 01-tune."""

WRONG: list[tuple[str, str, str]] = [
    (
        "not inverted",
        """
cam2 = MotionPreset(threshold=110, top_ratio=0.2, roi_top_left=(240, 130), roi_bottom_right=(400, 220),
                    crop_top_left=(208, 106), crop_bottom_right=(432, 330))
""",
        "bright and dark",
    ),
    (
        "the ROI outside the belt",
        """
cam2 = MotionPreset(inverted=True, threshold=110, top_ratio=0.2,
                    crop_top_left=(208, 106), crop_bottom_right=(432, 330))
""",
        "beside the belt's lane",
    ),
    (
        "skip_time too long",
        """
cam2 = MotionPreset(inverted=True, threshold=110, top_ratio=0.2, skip_time=1.5, roi_top_left=(240, 130),
                    roi_bottom_right=(400, 220), crop_top_left=(208, 106), crop_bottom_right=(432, 330))
""",
        "skip_time",
    ),
    (
        "the ROI so high that parts are taken too early",
        """
cam2 = MotionPreset(inverted=True, threshold=90, top_ratio=0.2, mid_ratio=0.3, roi_top_left=(220, 0),
                    roi_bottom_right=(420, 90), crop_top_left=(208, 106), crop_bottom_right=(432, 330))
""",
        "26 parts too early",
    ),
    (
        "another crop box, in which parts are cut off",
        """
cam2 = MotionPreset(inverted=True, threshold=110, top_ratio=0.2, roi_top_left=(240, 130),
                    roi_bottom_right=(400, 220))
""",
        "Leave the crop box",
    ),
]

RIGHT: dict[str, str] = {
    "another threshold and reference": """
cam2 = MotionPreset(inverted=True, threshold=105, top_ratio=0.2, roi_top_left=(240, 130),
                    roi_bottom_right=(400, 220), crop_top_left=(208, 106), crop_bottom_right=(432, 330))
""",
}
