"""Serves localstripe at a port of the loopback interface: `stripe.py PORT`. Its own program listens on all interfaces."""

import sys

from aiohttp import web
from localstripe.resources import store
from localstripe.server import app

# Nothing is kept between two runs.
store.dump_to_disk = lambda: None
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
