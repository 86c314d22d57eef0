"""What the guides print runs as printed: whoever pastes it and sees an error leaves."""

import re
import signal
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.databases import Database
from tests.support.processes import ROOT, Process, python
from tests.support.wait import wait_until

on_postgres = pytest.mark.parametrize("backend", ["postgres"], indirect=True)
_PRINTED = "://app@localhost/shop"


@pytest.fixture
def shop(database: Database) -> Iterator[str]:
    """What stands for the address that the guides print: an empty database."""
    name = f"shop_{uuid.uuid4().hex[:10]}"
    database.execute(f"CREATE DATABASE {name}")
    yield database.url.partition(":")[2].rpartition("/")[0] + f"/{name}"
    wait_until(lambda: _dropped(database, name), 10)


def _dropped(database: Database, name: str) -> bool:
    database.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    return True


def write_examples(guide: str, folder: Path, address: str = _PRINTED) -> list[str]:
    """Each block as the file that its first line names."""
    text = (ROOT / "docs" / "guides" / f"{guide}.md").read_text()
    names = []
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        name = block.partition("\n")[0].removeprefix("# ")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for parent in path.relative_to(folder).parents:
            if parent != Path():
                (folder / parent / "__init__.py").touch()
        path.write_text(block.replace(_PRINTED, f":{address}" if address != _PRINTED else address))
        names.append(name)
    assert names
    return names


def _run(start_process: Callable[..., Process], folder: Path, *arguments: str) -> str:
    process = start_process(*python(*arguments), cwd=folder, env=_path(folder))
    assert process.wait(60) == 0, str(process)
    return process.stdout


def _path(folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": f"{ROOT}:{folder}", "DJANGO_SETTINGS_MODULE": "shop.settings"}


@on_postgres
def test_the_sqlalchemy_guide(shop: str, start_process: Callable[..., Process], tmp_path: Path):
    write_examples("sqlalchemy", tmp_path, shop)
    assert _run(start_process, tmp_path, "orders.py") == "order 1 tasks 1\n"


@on_postgres
def test_the_asyncio_guide(shop: str, start_process: Callable[..., Process], tmp_path: Path):
    write_examples("asyncio", tmp_path, shop)
    assert _run(start_process, tmp_path, "program.py") == "sent to a@b.c\nSUCCESSFUL 1\nTrue\n"
    assert _run(start_process, tmp_path, "joined.py") == "1\n"


@pytest.mark.slow
def test_the_django_guide(start_process: Callable[..., Process], tmp_path: Path):
    write_examples("django", tmp_path)
    _run(start_process, tmp_path, "-m", "django", "makemigrations", "orders")
    _run(start_process, tmp_path, "-m", "django", "migrate")
    worker = start_process(*python("-m", "django", "work"), cwd=tmp_path, env=_path(tmp_path))
    place = (
        "import django; django.setup()\n"
        "from orders.tasks import client; client.migrate()\n"
        "from orders.services import place_order; print(place_order('a@b.c').id)\n"
    )
    assert _run(start_process, tmp_path, "-c", place) == "1\n"
    look = (
        "import django; django.setup()\n"
        "from orders.models import Order; print(Order.objects.get().confirmed)\n"
    )
    wait_until(lambda: "True" in _run(start_process, tmp_path, "-c", look), 30)
    worker.signal(signal.SIGTERM)
    assert worker.wait(20) == 0, str(worker)


@on_postgres
def test_the_fastapi_guide_under_a_real_server(
    shop: str, start_process: Callable[..., Process], tmp_path: Path
):
    import httpx

    write_examples("fastapi", tmp_path, shop)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = start_process(
        *python("-m", "uvicorn", "app:app", "--port", str(port)),
        cwd=tmp_path,
        env=_path(tmp_path),
    )
    server.wait_for_output("Uvicorn running", timeout=60)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
        placed = http.post("/orders", params={"email": "a@b.c"})
        assert placed.status_code == 201, placed.text
        wait_until(lambda: http.get(f"/orders/{placed.json()}").json()["confirmed"], 30)
        assert http.get("/orders/99").status_code == 404
    server.signal(signal.SIGTERM)
    assert server.wait(30) in {0, -signal.SIGTERM}, str(server)
    assert "Traceback" not in server.stderr


def test_every_link_of_the_guides_leads_somewhere():
    for guide in (ROOT / "docs" / "guides").glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", guide.read_text()):
            assert (guide.parent / target).exists(), f"{guide.name} links to {target}"
