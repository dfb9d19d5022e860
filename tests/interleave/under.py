"""Run programs while somebody else listens; print wrong verdicts: ``python under.py MODE FIRST``.

Of the corpus each third program is run, beginning with FIRST.
"""

import sys
import threading
from types import CodeType

from programs import collect
from test_programs import run


def debugger(frame, event, argument):
    """Trace lines, as a debugger does that waits for a breakpoint."""
    return debugger


def tool(number: int, name: str, *events: str) -> None:
    """Listen for events, and switch each place off once it was seen, as coverage and debuggers do."""
    api = sys.monitoring

    def seen(code: CodeType, *place: object) -> object:
        return api.DISABLE

    api.use_tool_id(number, name)
    mask = 0
    for event in events:
        mask |= getattr(api.events, event)
        api.register_callback(number, getattr(api.events, event), seen)
    api.set_events(number, mask)


def listen(mode: str) -> None:
    if mode == "debugger":
        threading.settrace(debugger)
        sys.settrace(debugger)
    elif mode == "breakpoint":
        tool(api_number("DEBUGGER_ID"), "debugger", "LINE", "PY_START", "PY_RETURN")
    elif mode == "instruction":
        tool(api_number("PROFILER_ID"), "profiler", "INSTRUCTION", "CALL", "BRANCH", "JUMP")


def api_number(name: str) -> int:
    number: int = getattr(sys.monitoring, name)
    return number


if __name__ == "__main__":
    listen(sys.argv[1])
    wrong = []
    programs = collect()[int(sys.argv[2]) :: 3]
    for program in programs:
        trace = sys.gettrace()
        result, seen = run(program)
        if (result.verdict, seen) != (program.verdict, program.outcomes):
            wrong.append(f"{program.name}: {result.verdict} {seen} {result.reason}")
        if sys.gettrace() is not trace:
            wrong.append(f"{program.name}: another trace function")
    print("\n".join(wrong) or f"{len(programs)} programs, no wrong verdict")
