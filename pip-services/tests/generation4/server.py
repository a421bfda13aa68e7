"""Serves two commands of generation 4 of the framework at a port of the loopback interface: `server.py PORT`."""

import sys
import threading

from pip_services4_commons.errors import ConflictException
from pip_services4_components.config import ConfigParams
from pip_services4_components.context import ContextResolver
from pip_services4_components.refer import Descriptor, References
from pip_services4_http.controller import CommandableHttpController
from pip_services4_rpc.commands import Command, CommandSet, ICommandable


def get_trace_id(context, _args):
    return {"trace_id": ContextResolver.get_trace_id(context)}


def fail(context, _args):
    raise ConflictException(ContextResolver.get_trace_id(context), "ALWAYS_FAILS", "This command always fails")


class Traces(ICommandable):
    def get_command_set(self):
        commands = CommandSet()
        commands.add_command(Command("get_trace_id", None, get_trace_id))
        commands.add_command(Command("fail", None, fail))
        return commands


controller = CommandableHttpController("v1/traces")
controller._dependency_resolver.put("service", Descriptor("traces", "service", "*", "*", "1.0"))
controller.configure(
    ConfigParams.from_tuples("connection.host", "127.0.0.1", "connection.port", int(sys.argv[1]))
)
controller.set_references(References.from_tuples(Descriptor("traces", "service", "default", "default", "1.0"), Traces()))
controller.open(None)
threading.Event().wait()
