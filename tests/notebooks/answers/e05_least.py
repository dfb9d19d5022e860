"""Answers to exercise 05-least."""

WRONG: list[tuple[str, str, str]] = [
    ("what one thread counts", 'LEAST, ORDER = 3, ""', "each can spoil"),
    ("nothing lost", 'LEAST, ORDER = 6, ""', "nobody is interrupted"),
    ("one", 'LEAST, ORDER = 1, ""', "too little"),
    ("none", 'LEAST, ORDER = 0, ""', "No order ends with 0"),
    ("no number", 'LEAST, ORDER = "two", ""', "whole number"),
    ("no order", 'LEAST, ORDER = 2, ""', "Give an order"),
    ("another order", 'LEAST, ORDER = 2, "ABABABABABAB"', "your order ends as count=3"),
]

RIGHT: dict[str, str] = {
    "found by explore": """
LEAST, ORDER = 2, level("three-each").explore().examples["count=2"]
""",
}
