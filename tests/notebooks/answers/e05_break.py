"""Answers to exercise 05-break."""

WRONG: list[tuple[str, str, str]] = [
    ("one after the other", 'ORDER = "AABB"', "nobody is interrupted"),
    ("more interruptions than needed", 'ORDER = "ABAB"', "with 2 interruptions"),
    ("too short", 'ORDER = "ABB"', "ends too early: A has steps"),
    ("too long", 'ORDER = "ABBBA"', "Step 4"),
    ("a thread that is not there", 'ORDER = "ACCA"', "no thread C"),
    ("a number", "ORDER = 12", "a letter for each step"),
    ("a result instead of an order", 'ORDER = level("count").explore()', "Give an order"),
]

RIGHT: dict[str, str] = {
    "the other begins": 'ORDER = "BAAB"',
    "a list": 'ORDER = ["a", "b", "b", "a"]',
    "a game": """
ORDER = level("count").play()
for thread in "ABBA":
    ORDER.step(thread)
""",
}
