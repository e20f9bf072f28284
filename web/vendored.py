"""What setup copies from npm into static/vendor; pages do without what could not be fetched."""

from pathlib import Path

from flask import Flask, current_app

VIEWER = "openseadragon/openseadragon.min.js"


def register(app: Flask) -> None:
    """Let templates ask whether a file `is vendored`."""
    app.jinja_env.tests["vendored"] = there


def there(name: str) -> bool:
    """Whether a file was copied to static/vendor when this machine was set up."""
    return (Path(current_app.static_folder or "") / "vendor" / name).exists()
