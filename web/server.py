"""The web server: gunicorn with our app, whatever the folder in which it is started.

Gunicorn's own command would run a `gunicorn.conf.py` in that folder, and search it first for every module.
"""

import signal

if __name__ == "__main__":
    # The imports take a while. Until this process sets its own handlers, Ctrl-C ends it without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from gunicorn.app.base import BaseApplication

from web.app import Tessera, create_app


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn, set up only by the options on the command line, which are those of `gunicorn --help`."""

    def load_config(self) -> None:
        """Apply each setting that is given."""
        for name, value in vars(self.cfg.parser().parse_args()).items():
            if value is not None and name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Tessera:
        """Return the app of a process that has just been forked."""
        return create_app()


if __name__ == "__main__":
    Server(prog="python -m web.server").run()
