import ast
import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import typer

import meltpoint as mp
from meltpoint.cli.main import app
from meltpoint.embedding import POLICIES, UNKNOWN_INITIALISERS
from meltpoint.models import ARCHITECTURES
from meltpoint.report import VERDICT_SCHEMA
from meltpoint.text.tables import READERS
from meltpoint.vectors import Vectors
from meltpoint.vectors.catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
NEEDED = {
    "export.md": ("gensim", "model2vec", "onnx", "onnxruntime"),
    "integrations.md": ("lightning", "skorch", "transformers"),
}
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


def commands_of(group: typer.core.TyperGroup, prefix: str = "") -> dict[str, typer.core.TyperCommand]:
    """Returns the commands of a group by what is typed: ``study``, ``vectors list``."""
    found = {}
    for name, command in group.commands.items():
        within = hasattr(command, "commands")
        found |= commands_of(command, f"{prefix}{name} ") if within else {prefix + name: command}
    return found


COMMANDS = commands_of(typer.main.get_command(app))
EVERYWHERE = {"--traceback", "--help"}


def read_page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def read_project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def refresh() -> ModuleType:
    """docs/refresh.py, which says what an example is."""
    spec = importlib.util.spec_from_file_location("refresh", DOCS / "refresh.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        yield module


def options_of(command: str) -> set[str]:
    return {option for parameter in COMMANDS[command].params for option in parameter.opts if option.startswith("--")}


def section(page: str, heading: str) -> str:
    """Returns the text below ``## heading``."""
    return re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)[1]


def options_in(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```python" in page.read_text()], ids=lambda page: page.name
)
def test_examples_print_what_the_page_shows(page: Path, glove: Vectors) -> None:
    missing = [name for name in NEEDED.get(page.name, ()) if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{page.name} needs {', '.join(missing)}")
    # The frameworks warn of their own ways.
    warnings = "ignore" if page.name == "integrations.md" else "error"
    command = [sys.executable, "-W", warnings, DOCS / "refresh.py", "--check", page]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_example_with_another_output_is_noticed(refresh: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\na = 1\n```\n\n```python\nprint(a + 1)\n```\n\n```text\n3\n```\n")
    assert refresh.check_python(page) == ["page.md:6: the page shows\n3\nbut the example prints\n2\n"]
    refresh.refresh_python(page)
    assert refresh.check_python(page) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path, refresh: ModuleType) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in refresh.commands(page.read_text(encoding="utf-8")):
        words = shlex.split(line, comments=True)
        if "meltpoint" in words:
            command, *arguments = words[words.index("meltpoint") + 1 :]
            if command == "vectors":
                command += f" {arguments.pop(0)}"
            assert command in COMMANDS, line
            assert options_in(" ".join(arguments)) <= options_of(command) | EVERYWHERE, line
        elif words[0] == "make":
            assert words[1] in targets, line


def test_every_option_of_every_command_is_described() -> None:
    page = read_page("command-line.md")
    for command in COMMANDS:
        missing = options_of(command) - EVERYWHERE - options_in(section(page, command))
        assert not missing, f"{command}: {missing}"
    invented = options_in(page) - EVERYWHERE - set().union(*map(options_of, COMMANDS))
    assert not invented


@pytest.mark.parametrize("command", ["study", "demo", "train"])
def test_defaults_are_those_of_the_code(command: str) -> None:
    described = dict(
        re.findall(r"^\| `(--[a-z-]+)[^`]*` \| `?([^|`]+)`? \|", section(read_page("command-line.md"), command), re.M)
    )
    shown = {parameter.opts[0]: parameter.default for parameter in COMMANDS[command].params}
    for option, default in described.items():
        if shown[option] is not None and shown[option] is not False and default.strip() != "required":
            assert default.strip() == str(shown[option]), option


def test_every_key_of_the_verdict_is_described() -> None:
    page = read_page("verdict-json.md")
    report = ROOT / "src" / "meltpoint" / "report"
    trees = [ast.parse((report / name).read_text(encoding="utf-8")) for name in ("document.py", "numbers.py")]
    keys = {
        key.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    assert len(keys) > 50
    assert sorted(key for key in keys if f"`{key}`" not in page and f"`{key}[]`" not in page) == []
    assert f"`{VERDICT_SCHEMA}`" in page


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("policies.md", POLICIES),
        ("policies.md", [knob for policy in POLICIES.values() for knob in policy.search_values]),
        ("command-line.md", ARCHITECTURES),
        ("command-line.md", UNKNOWN_INITIALISERS),
        ("data-and-vectors.md", UNKNOWN_INITIALISERS),
        ("data-and-vectors.md", READERS),
        ("catalogue.md", [entry.name for entry in CATALOGUE]),
    ],
    ids=["policies", "knobs", "architectures", "unknown words", "unknown words (data)", "suffixes", "catalogue"],
)
def test_every_name_that_can_be_chosen_is_described(page: str, names: list[str]) -> None:
    text = read_page(page)
    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_values_that_a_study_tries_are_those_of_the_code() -> None:
    page = read_page("policies.md")
    for name, policy in POLICIES.items():
        row = re.search(rf"^\| `{name}` \|.*\| (.*) \|$", page, re.MULTILINE)[1]
        described = dict(knob.split(": ") for knob in row.split("; ")) if policy.search_values else {}
        assert set(described) == {f"`{knob}`" for knob in policy.search_values}
        for knob, values in policy.search_values.items():
            assert [float(value) for value in described[f"`{knob}`"].split(", ")] == sorted(values)


def test_every_public_name_is_in_the_reference() -> None:
    shown = set(re.findall(r"^::: (?:\w+\.)+(\w+)$", read_page("reference.md"), re.MULTILINE))
    assert set(mp.__all__) - shown == {"MeltpointError"}
    assert "errors" in shown


def test_every_dependency_has_its_reason() -> None:
    page = read_page("dependencies.md")
    project = read_project()["project"]
    listed = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = [re.match(r"[\w.-]+(\[\w+\])?", requirement)[0] for requirement in listed]
    assert [name for name in names if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("heading", "contract", "package"), [("Layers", 0, "meltpoint."), ("Layers of vectors", 1, "")]
)
def test_the_layers_are_those_that_are_checked(heading, contract, package) -> None:
    layers = read_project()["tool"]["importlinter"]["contracts"][contract]["layers"]
    table = section(read_page("development.md"), heading)
    described = [
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    ]
    assert [f"{package}{name}" for name in described] == [name for layer in layers for name in layer.split(" | ")]


def test_the_readme_links_to_what_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(links) > 3
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []


def test_a_file_that_a_page_shows_is_the_one_that_runs(refresh: ModuleType) -> None:
    shown = [
        (page.name, block)
        for page in PAGES
        for block in refresh.blocks(page.read_text(encoding="utf-8"))
        if block.title is not None and block.language == "py"
    ]
    assert len(shown) >= 4
    differing = [(page, one.title) for page, one in shown if one.body != (ROOT / one.title).read_text(encoding="utf-8")]
    assert differing == []


def test_the_picture_opens_offline() -> None:
    picture = (DOCS / "images" / "verdict.svg").read_text(encoding="utf-8")
    assert "@font-face" not in picture
    assert "url(http" not in picture
    assert "href" not in picture
