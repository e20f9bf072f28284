"""What the wheel is made of reaches the container's image too."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def ingredients() -> set[str]:
    """Return the files and folders at the top that the wheel is made of."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, wheel = declared["project"], declared["tool"]["hatch"]["build"]["targets"]["wheel"]
    return {"pyproject.toml", project["readme"], *project["license-files"], *wheel["packages"]}


def test_the_image_is_built_of_all_that_the_wheel_is_made_of():
    lines = re.findall(r"^COPY (?!--from|web/package)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    let_through = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    copied = {name for line in lines for name in line.split()}
    assert "LICENSE" in ingredients()
    assert ingredients() <= copied
    assert copied == set(let_through)
    assert all((ROOT / name).exists() for name in copied)
