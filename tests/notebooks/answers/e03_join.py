"""Answers to exercise 03-join."""

WRONG: list[tuple[str, str, str]] = [
    (
        "returns what it was given",
        """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, args=(value, results))
    process.start()
    results.get(timeout=20)
    process.join(timeout=20)
    return value
""",
        "answered 52",
    ),
    (
        "an error that does not name the exit code",
        """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, args=(value, results))
    process.start()
    result = results.get(timeout=20)
    process.join(timeout=20)
    if process.exitcode != 0:
        raise RuntimeError("failed after 30 s")
    return result
""",
        "names it",
    ),
    (
        "brackets after the target",
        """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target(value, results))
    process.start()
    process.join(timeout=20)
    return results.get(timeout=20)
""",
        "no brackets after the name",
    ),
    (
        "args without its comma",
        """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, args=(results))
    process.start()
    process.join(timeout=20)
""",
        "must be a tuple",
    ),
    (
        "looks at the exit code before join",
        """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, args=(value, results))
    process.start()
    result = results.get(timeout=20)
    if process.exitcode != 0:
        raise RuntimeError(f"exit code {process.exitcode}")
    return result
""",
        "still runs: join it",
    ),
    (
        "reads the result before it is there",
        """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, args=(value, results))
    process.start()
    result = results.get_nowait()
    process.join(timeout=20)
    return result
""",
        "before the result was there",
    ),
    (
        "does not join",
        """
def run(target, value):
    results = context.Queue()
    context.Process(target=target, args=(value, results)).start()
    return results.get(timeout=20)
""",
        "still running",
    ),
    (
        "a global variable for a result",
        """
result = None
def run(target, value):
    global result
    process = context.Process(target=target, args=(value, context.Queue()))
    process.start()
    process.join(timeout=2)
    return result
""",
        "lost",
    ),
    (
        "a list for a result",
        """
def run(target, value):
    results = []
    process = context.Process(target=target, args=(value, results))
    process.start()
    process.join(timeout=20)
    return results[0]
""",
        "copied to the process",
    ),
    (
        "does not look at the exit code",
        """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, args=(value, results))
    process.start()
    result = results.get(timeout=20)
    process.join(timeout=20)
    return result
""",
        "exit code 3",
    ),
    (
        "joins before it takes the result",
        """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, args=(value, results))
    process.start()
    process.join(timeout=8)
    if process.exitcode != 0:
        raise RuntimeError(f"exit code {process.exitcode}")
    return results.get(timeout=20)
""",
        "Take the result, then join",
    ),
]

RIGHT: dict[str, str] = {
    "keyword arguments": """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, kwargs={"value": value, "results": results})
    process.start()
    try:
        return results.get(timeout=20)
    finally:
        process.join(timeout=20)
        if process.exitcode:
            raise RuntimeError(process.exitcode)
""",
    "a partial target, an error of its own": """
from functools import partial
class Failed(RuntimeError):
    pass
def run(target, value):
    results = context.Queue()
    process = context.Process(target=partial(target, value, results))
    process.start()
    result = results.get(timeout=20)
    process.join(timeout=20)
    if process.exitcode != 0:
        raise Failed(f"code {process.exitcode}")
    return result
""",
}
