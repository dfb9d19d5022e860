"""The course's content: a file for each exercise, and in `levels` one for each level of the race lab."""
