"""The application: how a verb is registered, how it logs, and how a user's mistake ends."""

from __future__ import annotations

import functools
import inspect
import logging
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from rs3l_gnn import __version__
from rs3l_gnn.cli.defects import describe_defect
from rs3l_gnn.cli.help_text import PlainCommand, first_sentence, name_values
from rs3l_gnn.cli.stopping import Stopped, stopping
from rs3l_gnn.conventions import Rs3lError
from rs3l_gnn.conventions.config_keys import describe_keys
from rs3l_gnn.conventions.extras import needs_extra
from rs3l_gnn.verbs import EXTRA_OF_VERB

__all__ = ["CONFIGS", "VERBS", "app", "verb"]

VERBS = tuple(EXTRA_OF_VERB)

CONFIGS: dict[str, str] = {}
"""Verbs that take a configuration: full name of its class."""


class _InOrder(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=VERBS.index)


app = typer.Typer(
    name="rs3l",
    cls=_InOrder,
    help="From one LHE file to one fit: re-simulated jets, contrastive pre-training, coffea, templates.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_DEBUG = inspect.Parameter(
    "debug",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")],
)
_QUIET = inspect.Parameter(
    "quiet",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")],
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"rs3l_gnn {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    del version  # the callback has dealt with it


def verb(*, config: str | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a verb of ``rs3l``; adds ``--debug`` and ``--quiet`` to its options.

    A :class:`Rs3lError` ends with its message on standard error and exit status 2; anything else that escapes is a
    defect, which ends with a log file and exit status 3. ``--debug`` shows the traceback of either. Ctrl-C and SIGTERM
    end with one line and exit status 130 and 143.

    Args:
        config: full name of the class of the verb's configuration; adds ``--keys``, which lists what it may hold.
    """
    added = [_DEBUG, _QUIET] if config is None else [_keys_of(config), _DEBUG, _QUIET]

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(*args: Any, debug: bool = False, quiet: bool = False, **kwargs: Any) -> None:
            kwargs.pop("keys", None)  # its callback has dealt with it
            logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.WARNING, force=True)
            logging.getLogger("rs3l_gnn").setLevel(logging.ERROR if quiet else logging.INFO)
            name = function.__name__
            try:
                with stopping(), needs_extra(f"rs3l {name}", EXTRA_OF_VERB[name]):
                    function(*args, **kwargs)
            except Stopped as stopped:
                typer.echo(f"rs3l {name}: stopped; nothing is left half-written", err=True)
                raise typer.Exit(stopped.status) from stopped
            except (typer.Exit, typer.Abort, BrokenPipeError):
                raise  # these are how a command ends, and a reader such as head that has enough
            except Rs3lError as error:
                itself = str(error).startswith(f"rs3l {name} ")
                _end(str(error) if itself else f"rs3l {name}: {error}", error, status=2, debug=debug)
            except Exception as error:  # noqa: BLE001  # the one place where a defect of any kind ends
                _end(describe_defect(name, error, kwargs.get("output")), error, status=3, debug=debug)

        if config is not None:
            CONFIGS[function.__name__] = config
        signature = inspect.signature(function, eval_str=True)
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in signature.parameters.values()]
        run.__signature__ = signature.replace(parameters=[*parameters, *added])  # type: ignore[attr-defined] # the documented hook of inspect.signature
        run.__annotations__ = {p.name: p.annotation for p in [*parameters, *added]}
        for parameter in parameters:
            name_values(parameter)
        summary = first_sentence(function.__doc__)
        return app.command(function.__name__, cls=PlainCommand, short_help=summary)(run)

    return register


def _end(sentence: str, error: Exception, *, status: int, debug: bool) -> NoReturn:
    if debug:
        typer.echo("".join(traceback.format_exception(error)), err=True)
    typer.echo(sentence, err=True)
    raise typer.Exit(status) from error


def _keys_of(config: str) -> inspect.Parameter:
    """The option that lists the keys of a configuration class and stops."""

    def show(asked: bool) -> None:
        if asked:
            module, _, name = config.rpartition(".")
            typer.echo(describe_keys(getattr(import_module(module), name)))
            raise typer.Exit

    annotation = Annotated[
        bool,
        typer.Option("--keys", callback=show, is_eager=True, help="List the keys of CONFIG.yaml and --set, and stop."),
    ]
    return inspect.Parameter("keys", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
