"""Each rule of the linter, kept once and broken once."""

from collections.abc import Callable

import nbformat
import pytest
from nbformat import NotebookNode
from sample_notebook import HEAD, STUB, TAIL, cell, code, prose, sample

from factory_lib.classroom import lessons, lint
from factory_lib.classroom.lint import Finding

Break = Callable[[NotebookNode], object]


def findings(breaking: Break, name: str = "02_capture") -> list[Finding]:
    notebook = sample()
    breaking(notebook)
    solution = lessons.tidy(notebook)
    return lint.lint(name, solution, lessons.lesson_of(solution))


def said(breaking: Break, name: str = "02_capture") -> list[tuple[str, str]]:
    return [(finding.cell, finding.what) for finding in findings(breaking, name)]


def source(name: str, text: str) -> Break:
    return lambda notebook: cell(notebook, name).update(source=text)


def replace(name: str, old: str, new: str) -> Break:
    def change(notebook: NotebookNode) -> None:
        one = cell(notebook, name)
        assert old in one.source
        one.source = one.source.replace(old, new)

    return change


def output(**data: str) -> Break:
    """Let the first cell show something, by its kind: html, markdown, plain, png, svg."""
    kinds = {"png": "image/png", "svg": "image/svg+xml"}
    shown = {kinds.get(kind, f"text/{kind}"): text for kind, text in data.items()}
    return lambda notebook: cell(notebook, "say-hello").outputs.append(
        nbformat.v4.new_output("display_data", data=shown)
    )


def test_the_sample_keeps_every_rule() -> None:
    assert findings(lambda notebook: None) == []


def test_a_finding_is_one_line_that_says_where_what_and_what_to_do() -> None:
    (finding,) = findings(replace("head", "**Needs:**", "Needs:"))
    assert str(finding) == ("02_capture, cell head: The first cell has no line '**Needs:**'. Write it there.")
    (finding,) = findings(lambda notebook: notebook.cells.pop(2))[:1]
    assert str(finding).startswith("02_capture: ")


# --- the first and the last cell ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "missing"),
    [
        ("# 02 Threads", "# 03 Threads", "title '# 02 ...'"),
        ("# 02 Threads", "## 02 Threads", "title '# 02 ...'"),
        ("**Question**", "Question", "line '**Question**'"),
        ("**You will be able to**", "You will", "line '**You will be able to**'"),
        ("20 minutes", "soon", "line '**Time:** NN minutes'"),
        ("**Needs:**", "", "line '**Needs:**'"),
    ],
)
def test_the_first_cell_says_what_it_is_about(old: str, new: str, missing: str) -> None:
    assert said(replace("head", old, new)) == [("head", f"The first cell has no {missing}.")]


def test_a_first_cell_of_code_says_nothing_of_it() -> None:
    assert len(said(lambda notebook: notebook.cells.pop(0))) == 5


def test_a_colon_may_stand_inside_or_outside_of_the_bold_words() -> None:
    assert said(source("head", HEAD.replace("**Question**", "**Question:**"))) == []


@pytest.mark.parametrize(
    ("old", "new", "missing"),
    [
        ("## Remember", "## Forget", "heading 'Remember' with 3 to 5 bullets"),
        ("* Three bullets.", "", "heading 'Remember' with 3 to 5 bullets"),
        ("* Three", "- a\n- b\n\n- c\n* Three", "heading 'Remember' with 3 to 5 bullets"),
        ("Think about", "Wonder", "question after 'Think about'"),
        ("enough?", "enough.", "question after 'Think about'"),
        ("03_multi", "04_multi", "name of the next notebook, or 'end'"),
    ],
)
def test_the_last_markdown_cell_says_what_to_remember(old: str, new: str, missing: str) -> None:
    broken = replace("tail", old, new)
    assert said(broken) == [("tail", f"The last Markdown cell has no {missing}.")]


def test_five_bullets_are_not_too_many_and_the_last_notebook_says_that_it_is_the_end() -> None:
    text = TAIL.replace("* Three bullets.", "- Three.\n- Four.\n- Five.")
    assert said(source("tail", text.replace("Next: `03_multiprocess`", "This is the end"))) == []


def test_a_notebook_without_prose_or_without_anything_is_told_so() -> None:
    def strip(notebook: NotebookNode) -> None:
        notebook.cells = [one for one in notebook.cells if one.cell_type == "code"]

    assert len(said(strip)) == 8
    assert said(lambda notebook: notebook.cells.clear()) == [("", "It has 0 code cells.")]


# --- size and names ----------------------------------------------------------------------------------


def test_10_to_18_code_cells() -> None:
    def more(count: int) -> Break:
        def add(notebook: NotebookNode) -> None:
            for number in range(count):
                new = code(f"more-{number}", "1")
                new.execution_count = 11 + number
                notebook.cells.insert(-1, new)

        return add

    assert said(more(8)) == []
    assert said(more(9)) == [("", "It has 19 code cells.")]
    assert ("", "It has 9 code cells.") in said(lambda notebook: notebook.cells.pop(2))


def test_15_lines_with_comments_and_without_empty_ones() -> None:
    lines = "\n\n".join(["# a comment"] * 14)
    assert said(source("step-1", f"{lines}\n1")) == []
    assert said(source("step-1", f"{lines}\n1\n2")) == [("step-1", "It has 16 lines.")]


def test_the_two_markers_of_a_solution_are_no_lines() -> None:
    def with_lines(count: int) -> Break:
        return replace("double-stub", "return twice", "\n    ".join(["return twice"] * count))

    # The stub has five other lines; what the marks stand around may fill the cell, and no more.
    assert said(with_lines(11)) == []
    assert said(with_lines(12)) == [("double-stub", "It has 16 lines.")]


def test_900_words_of_prose() -> None:
    used = sum(any(map(str.isalnum, word)) for text in (HEAD, TAIL) for word in text.split())
    more = [prose("more", "word - " * (900 - used))]
    assert said(lambda notebook: notebook.cells.insert(1, more[0])) == []
    more = [prose("more", "word " * (901 - used))]
    assert said(lambda notebook: notebook.cells.insert(1, more[0])) == [("", "Its prose has 901 words.")]


@pytest.mark.parametrize("name", ["deadbeef", "2-queues", "Queue", "queue_depth", "a-", ""])
def test_an_id_is_made_of_words(name: str) -> None:
    what = "Its id says nothing, or is another's too."
    assert said(lambda notebook: cell(notebook, "step-1").update(id=name)) == [(name, what)]


def test_no_two_cells_have_the_same_id() -> None:
    what = "Its id says nothing, or is another's too."
    assert said(lambda notebook: cell(notebook, "step-1").update(id="step-2")) == [("step-2", what)]


# --- outputs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [{"step-1": None}, {"step-1": 99}, {"step-1": 4, "step-2": 3}])
def test_a_solution_is_run_from_top_to_bottom(counts: dict[str, int | None]) -> None:
    def recount(notebook: NotebookNode) -> None:
        for name, count in counts.items():
            cell(notebook, name).execution_count = count

    assert said(recount) == [("", "The solution was not run from top to bottom.")]


def test_no_error_and_no_stderr_is_stored() -> None:
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])
    stderr = nbformat.v4.new_output("stream", name="stderr", text="a warning")
    assert said(lambda notebook: cell(notebook, "step-1").outputs.extend([error, stderr])) == [
        ("step-1", "It stops with an error."),
        ("step-1", "It writes to stderr."),
    ]


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_picture_is_not_an_output_of_its_own(kind: str) -> None:
    (finding,) = findings(output(**{kind: "iVBORw0KGgo/a/b/c", "plain": "<Figure>"}))
    assert (finding.cell, finding.what[:22]) == ("say-hello", "A picture has no text:")


@pytest.mark.parametrize(
    "picture",
    ['<img src="data:image/png;base64,AAAA">', "<img alt=''>", '<IMG alt=" ">', "<svg></svg>", "![](a.png)"],
)
def test_a_picture_without_a_text_is_found_in_html_and_in_markdown(picture: str) -> None:
    for breaking in (
        output(html=f"<p>{picture}</p>"),
        replace("head", "20 minutes", f"20 minutes {picture}"),
    ):
        ((_, what),) = said(breaking)
        assert what.startswith("A picture has no text: ")


@pytest.mark.parametrize(
    "picture",
    [
        '<img width="9" alt="a &gt; b" src="data:image/jpeg;base64,/9j/4AAQ/x/y">',
        "<svg aria-label='lanes'></svg>",
        "![belt](belt.png)",
    ],
)
def test_a_picture_with_a_text_is_fine(picture: str) -> None:
    assert said(output(html=picture)) == said(replace("head", "20 minutes", f"20 minutes {picture}")) == []


PATHS = ["/home/kim/a.mp4", "/tmp", "/opt/x/y", "../resource", "C:\\Users\\kim", "D:\\clip.mp4"]
NO_PATHS = ["read/shown/dropped", "</td></tr>", "COURSE/notebooks", "~/x", "a:\n", "1 / 2 / 3", "..."]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_of_one_machine_is_found_in_code_and_in_outputs(path: str) -> None:
    for breaking in (source("step-1", f"r'{path}'"), output(plain=path), output(html=f"<p>{path}</p>")):
        ((_, what),) = said(breaking)
        assert what.startswith("Only some machines have ")


def test_two_dots_as_a_folder_are_a_path_too() -> None:
    assert [name for name, _ in said(source("step-1", "Path('..')"))] == ["step-1"]


@pytest.mark.parametrize("text", NO_PATHS)
def test_what_only_looks_like_a_path_is_fine(text: str) -> None:
    assert said(source("step-1", repr(text))) == said(output(plain=text, html=text)) == []


def test_code_goes_to_this_machine_only_and_prose_may_link() -> None:
    assert said(source("step-1", "get('http://127.0.0.1:8000/clip')")) == []
    assert said(replace("head", "20 minutes", "20 minutes, see https://docs.python.org/3/library")) == []
    ((name, what),) = said(source("step-1", "get('https://example.org/clip')"))
    assert (name, what) == ("step-1", "It needs the internet: https://example.org/clip').")


# --- code --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["%matplotlib inline", "!pip install x", "x = 1\n%timeit x", "print?"])
def test_a_magic_is_found(line: str) -> None:
    assert said(source("step-1", line)) == [("step-1", "It has a magic (%, ! or ?).")]


def test_a_remainder_at_the_begin_of_a_line_is_no_magic() -> None:
    assert said(source("step-1", "(7\n % 3)")) == []


def test_a_stub_of_which_nothing_is_left_is_no_python() -> None:
    ((name, what),) = said(replace("double-stub", '    """Return twice as much."""\n', ""))
    assert name == "double-stub"
    assert what.startswith("It is not valid Python (expected an indented block")


@pytest.mark.parametrize(
    "marker", ["# BEGIN SOLUTION", "### BEGIN SOLUTION", "### BEGIN SOLUTION of this", "### END SOLUTION"]
)
def test_a_marker_that_has_no_partner_is_found(marker: str) -> None:
    what = f"A marker is left over: {marker.removeprefix('### ').removeprefix('# ')}."
    assert said(source("step-1", f"{marker}\n1")) == [("step-1", what)]


# --- what processes cannot import --------------------------------------------------------------------

TO_A_PROCESS = [
    "mp.get_context('spawn').Process(target=work).start()",
    "Process(None, work)",
    "Process(target=lambda: 1)",
    "Process(target=partial(work, 1))",
    "ProcessPoolExecutor(2).submit(work)",
    "with ProcessPoolExecutor() as pool:\n    list(pool.map(work, [1]))",
    "with context.Pool(2) as pool:\n    pool.starmap(work, [])",
    "make = ProcessPoolExecutor\npool = make()\npool.submit(work)",
]
FINE = [
    "Thread(target=work)",
    "with ThreadPoolExecutor() as pool:\n    pool.submit(work)\nProcessPoolExecutor(2).submit(math.sqrt, 1)",
    "list(map(work, [1]))\nProcessPoolExecutor()",
    "Process(target=workers.work)",
    "client.submit(work)",
]


@pytest.mark.parametrize("lines", TO_A_PROCESS)
def test_a_function_of_a_cell_is_not_given_to_a_process(lines: str) -> None:
    def change(notebook: NotebookNode) -> None:
        source("step-1", "def work():\n    return 1")(notebook)
        source("step-2", lines)(notebook)

    assert said(change) == [("step-2", "It hands a function of the notebook to a process.")]


@pytest.mark.parametrize("lines", FINE)
def test_threads_take_any_function_and_processes_those_of_modules(lines: str) -> None:
    def change(notebook: NotebookNode) -> None:
        source("step-1", "def work():\n    return 1")(notebook)
        source("step-2", lines)(notebook)

    assert said(change) == []


def test_a_tagged_cell_may_show_what_happens_to_a_target_in_a_cell() -> None:
    def change(notebook: NotebookNode) -> None:
        source("step-1", "def work():\n    return 1\n\n\nProcess(target=work)")(notebook)
        cell(notebook, "step-1").metadata.tags = ["target-in-cell"]

    assert said(change) == []


# --- exercises ---------------------------------------------------------------------------------------


def test_a_stub_is_shown_and_checked_below_it() -> None:
    assert said(replace("double-show", "show('02-double', double)", "pass")) == [
        ("double-check", "Exercise 02-double has no show before its check.")
    ]
    assert said(replace("double-check", "check('02-double', double)", "pass")) == [
        ("double-stub", "Nothing checks this stub.")
    ]
    assert said(source("double-stub", "double = 2")) == [
        ("double-check", "Exercise 02-double has no stub before its check.")
    ]


def test_the_stub_comes_first() -> None:
    def late(notebook: NotebookNode) -> None:
        source("step-0", cell(notebook, "double-show").source)(notebook)
        source("double-show", "1")(notebook)

    assert said(late) == [("double-check", "Exercise 02-double has no show before its check.")]


def test_a_stub_may_show_itself_but_not_check_itself() -> None:
    def both(notebook: NotebookNode) -> None:
        source("double-stub", STUB + "\n\n\nshow('02-double', double)")(notebook)
        source("double-show", "1")(notebook)

    assert said(both) == []

    def all_in_one(notebook: NotebookNode) -> None:
        source("double-stub", STUB + "\n\n\nshow('02-double', double)\ncheck('02-double', double)")(notebook)
        source("double-show", "1")(notebook)
        source("double-check", "1")(notebook)

    assert said(all_in_one) == [("double-stub", "Learners can edit its check.")]


def test_an_exercise_may_have_two_stubs() -> None:
    assert said(source("step-5", STUB)) == []


def test_an_exercise_is_checked_once_and_in_its_own_notebook() -> None:
    again = "show('02-double', 1)\ncheck('02-double', 1)"

    def twice(notebook: NotebookNode) -> None:
        source("step-0", STUB)(notebook)
        source("step-1", again)(notebook)

    assert said(twice) == [("double-check", "02-double is checked elsewhere.")]
    assert said(replace("double-check", "'02-double'", "'03-double'")) == [
        ("double-check", "03-double is checked elsewhere.")
    ]
