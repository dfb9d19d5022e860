"""What people see: the story of a failing order, in text, in lanes, step by step, and in a game."""

import subprocess
import sys
import threading
from threading import Lock
from types import SimpleNamespace

import pytest

from factory_lib.interleave import InterleaveError, explore, play, plot_lanes, step_through
from factory_lib.interleave.views import stand


class Account:
    def __init__(self) -> None:
        self.balance = 100


def withdraw(account: Account) -> None:
    if account.balance >= 60:
        account.balance = account.balance - 60


def solvent(account: Account) -> bool:
    return account.balance >= 0


@pytest.fixture(scope="module")
def result():
    return explore(withdraw, withdraw, setup=Account, invariant=solvent)


def test_the_text_tells_the_story_in_a_few_lines(result) -> None:
    lines = str(result).splitlines()

    assert lines[0] == "VIOLATED: some orders go wrong."
    assert lines[1].startswith("Every order was tried: 20 orders, 6 of them go wrong;")
    assert lines[3].split() == ["ends", "as", "orders"]
    assert lines[4].split() == ["balance=40", "14", 30 * "#"]
    assert lines[5].split()[:3] == ["balance=-20", "6", 13 * "#"]
    assert lines[5].endswith("<- the invariant is false")
    assert lines[7] == "The shortest order that goes wrong, with 1 interruption:"
    assert lines[8].split() == "thread line source what it does state".split()
    assert lines[9].split() == "at the start balance=100".split()
    assert [line[0] for line in lines[10:16]] == list("ABBBAA")
    assert lines[15].split("  ")[-3:] == [
        "writes account.balance = -20",
        "balance=-20",
        "<- decided before the other's write",
    ]
    assert lines[16] == "ends as balance=-20"


def test_the_page_says_the_same_with_words_beside_the_colours(result) -> None:
    page = result._repr_html_()

    assert "VIOLATED: some orders go wrong." in page
    assert "<b>⚠ the invariant is false</b>" in page
    assert "<b>⚠ decided before the other&#x27;s write</b>" in page


def test_an_inconclusive_result_says_why() -> None:
    text = str(explore(withdraw, withdraw, setup=Account, max_schedules=3))

    assert text.startswith("INCONCLUSIVE: nothing went wrong, but not everything was tried.")
    assert "Not sure, because: max_schedules was reached." in text


def test_the_lanes_have_a_column_for_each_thread_and_the_state_beside_them(result) -> None:
    lanes = plot_lanes(result.counterexample)
    line = withdraw.__code__.co_firstlineno + 1

    rows = [[cell.strip() for cell in row.split("  ") if cell] for row in str(lanes).splitlines()]
    assert rows == [
        ["thread A", "thread B", "state"],
        ["balance=100"],
        [f"{line}: reads account.balance (100)", "balance=100"],
        [f"{line}: reads account.balance (100)", "balance=100"],
        [f"{line + 1}: reads account.balance (100)", "balance=100"],
        [f"{line + 1}: writes account.balance = 40", "balance=40"],
        [f"{line + 1}: reads account.balance (40)", "balance=40"],
        [
            f"{line + 1}: writes account.balance = -20",
            "balance=-20",
            "<- decided before the other's write",
        ],
        ["ends as balance=-20"],
    ]
    places = [row.index(f"{line}: reads") for row in str(lanes).splitlines() if f"{line}: reads" in row]
    assert places == [0, str(lanes).index("thread B")]


def test_the_lanes_page_marks_the_losing_write_by_more_than_colour(result) -> None:
    bundle = plot_lanes(result.counterexample)._repr_mimebundle_()

    assert set(bundle) == {"text/html", "text/plain"}
    boxes = bundle["text/html"].split("<div ")[1:]
    marked = [box for box in boxes if "dashed" in box]
    assert len(boxes) == 6
    assert len(marked) == 1
    assert "⚠ decided before the other&#x27;s write" in marked[0]
    assert "writes account.balance = -20" in marked[0]


def test_a_deadlocks_lanes_end_with_who_waits_for_what() -> None:
    def left_right(s):
        with s.left, s.right:
            pass

    def right_left(s):
        with s.right, s.left:
            pass

    found = explore(
        left_right, right_left, setup=lambda: SimpleNamespace(left=threading.Lock(), right=threading.Lock())
    )
    lanes = plot_lanes(found.counterexample)

    assert sum("waits at line" in line for line in str(lanes).splitlines()) == 2
    assert lanes._repr_mimebundle_()["text/html"].count("waits at line") == 2


def test_the_slider_shows_source_lines_and_state_of_each_step(result) -> None:
    view = step_through(result.counterexample)
    slider, page = view.widget().children

    assert (slider.min, slider.max) == (0, 6)
    slider.value = 4
    assert "step 4: B writes account.balance = 40; state: balance=40" in page.value
    assert "=&gt;" in page.value
    assert page.value.count("opacity") == 2  # the steps that are still to come
    slider.value = 6
    assert "ends as balance=-20" in page.value
    assert str(view) == str(result.counterexample)
    assert {"text/plain", "text/html"} < set(view._repr_mimebundle_())


def test_each_threads_source_is_marked_where_it_stands(result) -> None:
    line = withdraw.__code__.co_firstlineno

    assert "\n".join(stand(result.counterexample, 4)).splitlines() == [
        "step 4: B writes account.balance = 40; state: balance=40",
        "thread A",
        f"   {line:3} def withdraw(account: Account) -> None:",
        f"   {line + 1:3}     if account.balance >= 60:",
        f"=> {line + 2:3}         account.balance = account.balance - 60",
        "next: reads account.balance (40)",
        "thread B has ended",
        f"   {line:3} def withdraw(account: Account) -> None:",
        f"   {line + 1:3}     if account.balance >= 60:",
        f"   {line + 2:3}         account.balance = account.balance - 60",
    ]


def test_what_needs_no_widgets_is_shown_without_them(result, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)

    view = step_through(result.counterexample)

    assert view.widget() is None
    assert set(view._repr_mimebundle_()) == {"text/plain", "text/html"}


def test_importing_the_engine_needs_no_widgets() -> None:
    code = (
        "import sys; import factory_lib.interleave; "
        "print(sorted({'matplotlib', 'IPython', 'ipywidgets'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", timeout=60, check=True
    )

    assert done.stdout == "[]\n"


# The game.


def test_the_learner_wins_with_an_order_that_breaks_it() -> None:
    game = play(withdraw, withdraw, setup=Account, invariant=solvent)

    for thread in "ABBBAA":
        assert not game.won
        game.step(thread)

    assert (game.state, game.over, game.won) == ("balance=-20", True, True)
    assert game.message() == "You broke it: balance=-20. Interruptions needed: 1."


def test_a_fair_order_does_not_win_and_can_be_undone() -> None:
    game = play(withdraw, withdraw, setup=Account, invariant=solvent)
    for thread in "AAAB":
        game.step(thread)

    assert (game.state, game.over, game.won) == ("balance=40", True, False)
    assert game.undo().state == "balance=40"
    assert not game.over
    assert game.restart().state == "balance=100"
    assert game.undo().schedule.steps == ()


def test_without_an_invariant_it_is_won_by_an_end_that_no_fair_order_has() -> None:
    def more(s):
        s.x = s.x + 1

    game = play(more, more, setup=lambda: SimpleNamespace(x=0))

    for thread in "ABBA":
        game.step(thread)
    assert (game.state, game.won) == ("x=1", True)


def test_who_waits_or_has_ended_cannot_be_chosen() -> None:
    def locked(s):
        with s.lock:
            s.x += 1

    game = play(locked, locked, setup=lambda: SimpleNamespace(x=0, lock=threading.Lock()))
    game.step("A")

    assert [move.possible for move in game.moves.values()] == [True, False]
    with pytest.raises(InterleaveError, match="B waits at line .* Choose A."):
        game.step("B")
    for _ in range(3):
        game.step("A")
    with pytest.raises(InterleaveError, match="A has ended. Choose B."):
        game.step("A")


def test_between_two_steps_no_thread_is_alive() -> None:
    before = threading.enumerate()
    game = play(withdraw, withdraw, setup=Account)
    game.step("A")

    assert threading.enumerate() == before


def test_the_buttons_play_the_same_game() -> None:
    game = play(withdraw, withdraw, setup=Account, invariant=solvent)
    said, row, log = game.widget().children
    first, second, undo, again = row.children

    assert first.description == "A goes on: reads account.balance (100)"
    assert said.value.count("=&gt;") == 2
    for button in (first, second, second, second, first, first):
        button.click()
    assert "You broke it" in said.value
    assert first.description == "A has ended"
    assert (first.disabled, second.disabled, undo.disabled) == (True, True, False)
    undo.click()
    assert "Choose who goes on." in said.value
    again.click()
    assert "balance=100" in said.value
    assert "writes" not in log.value
    assert "text/plain" in game._repr_mimebundle_()


def test_the_text_of_a_game_says_where_each_stands_and_what_it_would_do_next() -> None:
    text = str(play(withdraw, withdraw, setup=Account))

    assert text.startswith("step 0: the start; state: balance=100\nthread A\n")
    assert text.count("=> ") == 2
    assert text.count("next: reads account.balance (100)") == 2
    assert text.endswith("\nChoose who goes on.")


def test_a_free_lock_in_a_list_keeps_its_place() -> None:
    def take_the_second(locks) -> None:
        with locks[1]:
            pass

    result = explore(take_the_second, take_the_second, setup=lambda: [Lock(), Lock()])

    assert dict(result.outcomes) == {"[free, free]": 2}
    assert "[free, held by A]" in str(result.examples["[free, free]"])
