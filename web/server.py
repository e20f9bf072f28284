"""The web server: gunicorn with our app, and nothing of the folder in which it is started.

Gunicorn's own command would run a `gunicorn.conf.py` that lies there, and look there first for every module.
"""

import signal

if __name__ == "__main__":
    # Until the handlers of this process are set, Ctrl-C ends it without a trace; to load all of this takes a while.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from gunicorn.app.base import BaseApplication

from web.app import Tessera, create_app


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn, set up by the words of the command line alone: those of `gunicorn --help`."""

    def load_config(self) -> None:
        """Take over each setting that is named."""
        for name, value in vars(self.cfg.parser().parse_args()).items():
            if value is not None and name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Tessera:
        """Return the app of a process that was forked just now."""
        return create_app()


if __name__ == "__main__":
    Server(prog="python -m web.server").run()
