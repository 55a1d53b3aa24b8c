"""Imports go one way: the table of docs/architecture.md, held against every import statement."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
THIRD_PARTY: Final = {
    "bridge": {"yaml"},
    "F0": set[str](),
    "wbxml": {"lxml"},
    "iso7816": set[str](),
    "pkcs15": {"asn1crypto"},
    "dm": {"lxml"},
    "xmlsec": {"lxml", "cryptography"},
    "trust": {"lxml", "cryptography"},
    "card": set[str](),
    "credentials": set[str](),
    "personalise": {"cryptography"},
    "server": {"lxml", "yaml", "pyarrow", "distributed"},
    "tokens": {"pkcs11"},
    "tree": set[str](),
    "push": {"cryptography", "httpx", "uvicorn", "httptools"},
    "receive": set[str](),
    "client": {"httpcore"},
    "agent": {"click", "cryptography", "fastapi", "httptools", "prometheus_client", "pydantic", "starlette", "uvicorn"},
    "faces": {"click", "rich", "cryptography", "fastapi", "httptools", "prometheus_client", "uvicorn"},
}
MAY_IMPORT: Final = {
    "bridge": {"bridge"},
    "F0": {"F0"},
    "wbxml": {"F0", "wbxml"},
    "iso7816": {"F0", "iso7816"},
    "pkcs15": {"F0", "iso7816", "pkcs15"},
    "dm": {"F0", "wbxml", "iso7816", "pkcs15", "dm"},
    "xmlsec": {"F0", "wbxml", "iso7816", "pkcs15", "xmlsec"},
    "trust": {"F0", "wbxml", "iso7816", "pkcs15", "dm", "xmlsec", "trust"},
    "card": {"F0", "wbxml", "iso7816", "pkcs15", "dm", "card", "connection"},
    "credentials": {"F0", "iso7816", "pkcs15", "dm", "trust", "card"},
    "personalise": {"F0", "wbxml", "iso7816", "pkcs15", "dm", "personalise", "generators"},
    "server": {"F0", "wbxml", "dm", "xmlsec", "trust", "server"},
    "tokens": {"F0", "xmlsec", "tokens"},
    "tree": {"F0", "wbxml", "dm", "trust", "tree"},
    "push": {"F0", "iso7816", "trust", "push"},
    "receive": {"F0", "dm", "trust", "push", "tree", "receive"},
    "client": {"F0", "client"},
    "agent": {"*"},
    "faces": {"*"},
}
PURE: Final = ("F0", "wbxml", "iso7816", "pkcs15", "dm", "xmlsec", "trust")
NOT_PURE: Final = {
    "os", "io", "pathlib", "socket", "random", "secrets", "time", "subprocess", "tempfile", "logging",
    "asyncio", "urllib", "http", "shutil", "glob",
}  # fmt: skip
F0_MODULES: Final = {"errors", "limits", "secret", "rules", "identity"}
FACES: Final = {"cli", "conformance", "report", "card_uri", "__main__", "__init__"}


def floor_of(module: str) -> str:
    parts = module.split(".")
    if parts[0] == "vendor_pcsc":
        if parts[1:] in (["connection"], ["errors"]):
            return "connection"
        return "generators" if parts[1:] == ["virtual"] else "bridge"
    room = parts[1] if len(parts) > 1 else "__init__"
    if room in F0_MODULES:
        return "F0"
    return "faces" if room in FACES else room


def imports_of(path: Path) -> list[tuple[str, int]]:
    """Return every module a file imports, in functions and for type checking too."""
    found: list[tuple[str, int]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            module = node.module or ""
            submodules = [
                f"{module}.{alias.name}"
                for alias in node.names
                if (ROOT / module.replace(".", "/") / f"{alias.name}.py").exists()
                or (ROOT / module.replace(".", "/") / alias.name).is_dir()
            ]
            found += ((name, node.lineno) for name in submodules or [module])
    return found


def files() -> list[Path]:
    return sorted([*ROOT.glob("smartcard_dm/**/*.py"), *ROOT.glob("vendor_pcsc/**/*.py")])


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def own_floor(path: Path) -> str:
    found = floor_of(module_name(path))
    return "bridge" if found in {"connection", "generators"} else found


def faults(path: Path) -> list[str]:
    floor = own_floor(path)
    wrong: list[str] = []
    for module, line in imports_of(path):
        top = module.split(".")[0]
        where = f"{path.relative_to(ROOT)}:{line}: {floor} imports {module}"
        if top in {"smartcard_dm", "vendor_pcsc"}:
            target = floor_of(module)
            if floor == "bridge" and target in {"connection", "generators"}:
                continue
            if "*" not in MAY_IMPORT[floor] and target not in MAY_IMPORT[floor]:
                wrong.append(where)
        elif top in sys.stdlib_module_names:
            if floor in PURE and top in NOT_PURE:
                wrong.append(f"{where}: F0 to F3 have no files, sockets, clock or randomness")
        elif top not in THIRD_PARTY[floor]:
            wrong.append(where)
    return wrong


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_what_its_floor_may(path: Path) -> None:
    assert own_floor(path) in MAY_IMPORT
    assert faults(path) == []


def test_the_test_sees_a_fault() -> None:
    assert floor_of("smartcard_dm.cli.main") == "faces"
    assert "faces" not in MAY_IMPORT["trust"]
    assert "trust" not in MAY_IMPORT["card"]


def test_asn1crypto_stays_in_the_schema() -> None:
    users = [
        module_name(path) for path in files() if any(name.startswith("asn1crypto") for name, _ in imports_of(path))
    ]
    assert users == ["smartcard_dm.pkcs15.schema"]


def test_the_pkcs11_binding_stays_in_one_module() -> None:
    users = [
        module_name(path) for path in files() if any(name.split(".")[0] == "pkcs11" for name, _ in imports_of(path))
    ]
    assert users == ["smartcard_dm.tokens.cryptoki"]


def test_no_module_imports_itself_through_others() -> None:
    graph = {
        module_name(path): {name for name, _ in imports_of(path) if name.startswith(("smartcard_dm.", "vendor_pcsc."))}
        for path in files()
        if path.name != "__init__.py"
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, f"a circle: {' -> '.join((*trail, module))}"
        if module in done:
            return
        for target in graph.get(module, set()):
            if target in graph:
                visit(target, (*trail, module))
        done.add(module)

    for module in graph:
        visit(module, ())
