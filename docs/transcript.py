"""Runs the session that the README shows and writes it there: `python docs/transcript.py`.

Every line under a `$` is what the command printed. `--check` only runs the commands, and
fails where one ends otherwise than it should.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN = "<!-- transcript: made by `python docs/transcript.py` -->\n"
END = "<!-- end of transcript -->"

HANDLERS = """\
def email(task):
    if "@" not in task.unmarshal_args()["to"]:
        raise ValueError(f"no address: {task.unmarshal_args()['to']!r}")

def report(task):
    raise TimeoutError("the warehouse didn't answer in 30 s")

handlers = {"email": email, "report": report}
"""

SESSION = [
    "export TASQ_URL=sqlite:///tasks.db",
    "tasq migrate",
    """tasq submit email --args '{"to": "a@b.c"}' --queue mail --count 40 | wc -l""",
    """tasq submit email --args '{"to": "nobody"}' --queue mail --max-receives 1""",
    "tasq submit report --queue slow --max-receives 1 --count 3 | wc -l",
    "cat handlers.py",
    "tasq work handlers:handlers --drain --queue mail --queue slow 2>/dev/null || echo exit $?",
    "tasq stats --by queue",
    "tasq errors",
    "tasq list --where 'status:failed error:timeout' -o ids | tasq requeue - --yes",
    "tasq purge --where 'status:successful queue:mail' --yes",
    "tasq list --where 'stats:failed'",
]


def run(folder: Path) -> tuple[list[tuple[str, str]], str]:
    """What each command printed, and the commands whose status was unexpected."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TASQ_STATE_DIR": "state",
        "TASQ_CONFIG": "none.toml",
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "100",
    }
    (folder / "handlers.py").write_text(HANDLERS)
    environment["TASQ_URL"] = "sqlite:///tasks.db"
    shown, odd = [], []
    for command in SESSION:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        expected = 2 if "stats:failed" in command else 0
        if done.returncode != expected:
            odd.append(f"{command}: ended with {done.returncode}\n{done.stderr}")
        shown.append((command, done.stdout + done.stderr))
    return shown, "\n".join(odd)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        shown, odd = run(Path(folder))
    if odd:
        print(odd, file=sys.stderr)
        return 1
    if "--check" in sys.argv:
        return 0
    lines = ["```console"]
    for command, output in shown:
        lines += [f"$ {command}", *output.rstrip().splitlines()]
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    block = "\n".join([*lines, "```", ""])
    README.write_text(f"{before}{BEGIN}\n{block}\n{END}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
