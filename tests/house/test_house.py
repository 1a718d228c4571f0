"""The rules of the house, each with its reason on one line."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import linernotes

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "linernotes"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Arrows point down: a part may import those named here, itself, and errors; so a floor reads without those above.
BELOW: dict[str, set[str]] = {
    "kernels": set(),
    "errors": set(),
    "money": set(),
    "identifiers": set(),
    "decoder": set(),
    "model": {"identifiers"},
    "audio": {"kernels"},
    "analyse": {"kernels", "audio", "model"},
    "render": {"kernels", "audio", "model"},
    "learn": {"kernels", "audio", "model"},
    "document": set(),  # a letter before it is typeset: rights words it, formats prints it
    "webhook": set(),
    "rights": {"money", "identifiers", "model", "document"},
    "store": {"identifiers", "model"},
    "formats": {"money", "identifiers", "model", "document"},
    "workspace": {
        "kernels",
        "audio",
        "model",
        "identifiers",
        "analyse",
        "learn",
        "render",
        "rights",
        "store",
        "formats",
    },
    "journeys": {
        *("kernels", "audio", "model", "identifiers", "analyse", "render", "rights", "store", "formats", "workspace"),
        *("document", "webhook", "money", "learn"),
    },
    # The edges also speak the outside world's formats: JSON is one.
    "api": {"workspace", "journeys", "model", "formats", "identifiers", "money"},
    "web": {"workspace", "journeys", "model", "formats", "identifiers", "money", "api"},
    "cli": {"workspace", "journeys", "model", "formats", "identifiers", "money", "api", "web"},
    "client": set(),
}
EXTRAS = {"torch"}  # a module that needs one is looked at where it is there
ERRORS_ARE_CLOSED_TO = {"kernels", "decoder", "errors"}  # a kernel trusts its caller


def part_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for module in MODULES:
        yield module, ast.parse(module.read_text(encoding="utf-8"))


def imported_parts(tree: ast.Module) -> Iterator[str]:
    never_run = {id(inner) for node in ast.walk(tree) if _is_for_types(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in never_run:
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "linernotes":
            names = [f"linernotes.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module]
        for name in names:
            head, _, rest = name.partition(".")
            if head == "linernotes":
                yield rest.split(".")[0]


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def test_imports_point_down() -> None:
    wrong = []
    for module, tree in trees():
        part = part_of(module)
        if part in ("__init__", "__main__"):
            continue
        allowed = BELOW[part] | {part} | (set() if part in ERRORS_ARE_CLOSED_TO else {"errors"})
        # ``import linernotes`` alone reads the version.
        wrong += [f"{module}: {name}" for name in imported_parts(tree) if name and name not in allowed]
    assert wrong == []


def test_only_the_store_knows_the_database() -> None:
    outside = [m for m in MODULES if part_of(m) != "store"]
    sql = re.compile(r"\b(SELECT .+ FROM|INSERT INTO|UPDATE .+ SET|DELETE FROM|CREATE TABLE|PRAGMA)\b")
    found = [
        str(m)
        for m in outside
        if re.search(r"^\s*(import|from) (sqlite3|sqlalchemy|alembic)", m.read_text(), re.MULTILINE)
    ]
    for module in outside:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and sql.search(node.value):
                found.append(f"{module}:{node.lineno}")
    assert found == []


def test_only_the_command_line_knows_a_screen() -> None:
    screens = re.compile(r"^\s*(import|from) (rich|typer)|(?<![\w.])print\(", re.MULTILINE)
    assert [str(m) for m in MODULES if part_of(m) != "cli" and screens.search(m.read_text(encoding="utf-8"))] == []


def test_rights_and_money_know_no_float() -> None:
    found = []
    for module, tree in trees():
        if part_of(module) not in ("rights", "money"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id == "float":
                found.append(f"{module}:{node.lineno}")
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                found.append(f"{module}:{node.lineno}")
    assert found == []  # a fraction of a fraction must stay exact


def test_nothing_replaces_rows_quietly() -> None:
    assert [
        str(m) for m in MODULES if re.search(r"INSERT OR REPLACE|OR\s+REPLACE INTO", m.read_text(encoding="utf-8"))
    ] == []


def test_only_the_webhook_and_the_client_speak_to_other_machines() -> None:
    network = re.compile(r"^\s*(import|from) (ssl|http\.|urllib\.request|smtplib|ftplib|requests|httpx)", re.MULTILINE)
    assert [
        str(m)
        for m in MODULES
        if part_of(m) not in ("webhook", "client") and network.search(m.read_text(encoding="utf-8"))
    ] == []


def test_two_broad_excepts_at_most() -> None:
    broad = [
        f"{module}:{node.lineno}"
        for module, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
    ]
    assert len(broad) <= 2, broad


def test_every_module_says_what_it_exports() -> None:
    names = [name for _, name, _ in pkgutil.walk_packages(linernotes.__path__, "linernotes.")]
    for name in names:
        if ".migrations." in name or name.endswith("__main__"):
            continue
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as missing:
            if missing.name in EXTRAS:
                continue
            raise
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        public = {
            node.name
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        }
        exported = getattr(module, "__all__", [])
        assert list(exported) == sorted(exported, key=_order), f"{name}: __all__ is not sorted"
        assert all(hasattr(module, item) for item in exported), name
        if exported and name != "linernotes.decoder" and ".cli." not in name:  # programs, reached from outside
            assert public <= set(exported), f"{name}: {public - set(exported)} in no __all__"


def _order(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def code_lines(node: ast.FunctionDef) -> int:
    """Lines of a function that are neither docstring nor blank nor comment."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return sum(stop.end_lineno - stop.lineno + 1 for stop in body if stop.end_lineno)


def test_a_function_fits_a_screen_and_a_module_a_sitting() -> None:
    long_functions = [
        f"{module}:{node.name} {code_lines(node)}"
        for module, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and code_lines(node) > 70 and "migrations" not in module.parts  # lists
    ]
    long_modules = [str(module) for module in MODULES if len(module.read_text(encoding="utf-8").splitlines()) > 600]
    assert (long_functions, long_modules) == ([], [])


def test_every_command_and_option_stands_in_the_docs() -> None:
    import typer  # noqa: PLC0415

    from linernotes.cli import app  # noqa: PLC0415

    text = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md"))
    missing = []
    stack = [("linernotes", typer.main.get_command(app))]
    while stack:
        name, command = stack.pop()
        children = getattr(command, "commands", {})
        stack += [(f"{name} {child}", sub) for child, sub in children.items()]
        if not children and name not in text:
            missing.append(name)
        options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
        missing += [f"{name} {option}" for option in options if f"{option}" not in text]
    assert missing == []


def test_every_route_and_scope_stands_in_the_docs() -> None:
    from linernotes.api import create_app  # noqa: PLC0415
    from linernotes.api.permissions import SCOPES  # noqa: PLC0415
    from linernotes.workspace import Workspace  # noqa: PLC0415

    text = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md"))
    paths = create_app(Workspace(ROOT / "nowhere")).openapi()["paths"]
    asked = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert {each for each in asked | {*SCOPES} if f"`{each}`" not in text} == set()


def test_every_error_and_environment_variable_stands_in_the_docs() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md"))
    variables = {v for m in MODULES for v in re.findall(r"LINERNOTES_[A-Z_]*[A-Z]", m.read_text(encoding="utf-8"))}
    assert {variable for variable in variables if variable not in text} == set()


def test_importing_the_package_is_light() -> None:
    code = "import sys, linernotes; print(sorted({'numpy', 'av', 'numba', 'sqlalchemy', 'typer'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_are_there_and_sorted() -> None:
    assert list(linernotes.__all__) == sorted(linernotes.__all__, key=_order)
    for name in linernotes.__all__:
        assert getattr(linernotes, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = linernotes.nothing


def test_the_changelog_has_this_version_and_its_first_heading() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {linernotes.__version__}" in text or "## Unreleased" in text
    assert "### Numbers changed" in text


def test_local_links_in_the_docs_lead_somewhere() -> None:
    broken = []
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page}: {target}")
    assert broken == []
