"""Expressions over the branches of event files, such as ``count(Muon.pt > 10 and Muon.looseId) == 0``.

Python's own parser reads them, and nothing of Python is left after that: names are branches, a short list of operators
and functions works on arrays, and everything else is refused before an event is read. Values are numbers (float64
throughout) or conditions, one for each event or one for each object of a collection:

- numbers and events go with the objects of any collection, objects of two collections never with one another;
- ``sum``, ``any``, ``all``, ``count``, and ``min`` and ``max`` of one argument, make one value of the objects of an
  event: 0 (sum, count), False (any), True (all) and no number (min, max) where there are none;
- what is no number (0/0, the maximum of nothing) passes no comparison but ``!=``; min and max pass it over.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.errors import ConfigError
from rs3l_gnn.conventions.expression_functions import FUNCTIONS, Column

__all__ = ["Column", "Expression", "close_names", "parse_expression"]

_LONGEST, _MOST_NODES, _DEEPEST = 2000, 1000, 60
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")
_ARITHMETIC: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_COMPARISONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_LOGIC: dict[type[ast.AST], Callable[..., Any]] = {
    ast.BitAnd: np.logical_and,
    ast.And: np.logical_and,
    ast.BitOr: np.logical_or,
    ast.Or: np.logical_or,
}
_ALLOWED = (
    "branches (FatJet_pt or FatJet.pt), numbers, + - * / **, < <= > >= == != (also 1 < x < 2), "
    f"and or not & | ~, and the functions {', '.join(sorted(FUNCTIONS))}"
)


@dataclass(frozen=True)
class Expression:
    """A checked expression; made by :func:`parse_expression`.

    Attributes:
        source: its text.
        names: branches that it needs, as they are written, each once, in their order.
        is_condition: True or False where its operators say what it gives; None for a branch alone.
    """

    source: str
    names: tuple[str, ...]
    is_condition: bool | None
    _tree: ast.expr = field(repr=False, compare=False)

    def evaluate(self, look_up: Callable[[str], Column]) -> Column:
        """Values for some events.

        Args:
            look_up: gives the values of a name.

        Returns:
            Numbers or conditions, one for each event or one for each object of one collection.

        Raises:
            ConfigError: values of two collections meet, or numbers stand where conditions are needed.
        """
        with np.errstate(all="ignore"):  # what is no number is a value like others, see the module's text
            return _evaluate(self._tree, look_up, self.source)


@lru_cache(maxsize=1024)
def parse_expression(source: str) -> Expression:
    """Read an expression.

    Raises:
        ConfigError: it is too long, cannot be read, holds something that is not allowed, or no branch; the message
            says where and what is allowed.
    """
    text = " ".join(source.split())
    tree = _parsed(text)
    nodes = 0
    waiting: list[tuple[ast.AST, int]] = [(tree, 0)]
    while waiting:  # not by recursion, which a deep tree would end
        node, depth = waiting.pop()
        nodes += 1
        if nodes > _MOST_NODES or depth > _DEEPEST:
            raise ConfigError(f"the expression {_short(text)} is too large", hint="split it up")
        waiting += [(child, depth + 1) for child in ast.iter_child_nodes(node)]
    is_condition = _check(tree, text)
    names = tuple(dict.fromkeys(_names(tree)))
    if not names:
        raise ConfigError(f"the expression {_short(text)} names no branch", allowed=_ALLOWED)
    return Expression(text, names, is_condition, tree)


def close_names(name: str, known: Collection[str]) -> list[str]:
    """Up to three names that look like one that is not there; ``.`` and ``_`` count as the same."""
    plain = {one.replace(".", "_").lower(): one for one in sorted(known)}
    return [plain[one] for one in difflib.get_close_matches(name.replace(".", "_").lower(), plain, n=3, cutoff=0.7)]


def _parsed(text: str) -> ast.expr:
    if not text:
        raise ConfigError("an expression is empty", allowed=_ALLOWED)
    if len(text) > _LONGEST:
        raise ConfigError(f"the expression {_short(text)} is longer than {_LONGEST} letters", hint="split it up")
    strange = next((place for place, letter in enumerate(text) if not letter.isascii() or letter in "#\0;\"'"), None)
    if strange is not None:
        _refuse(text, strange, f"has the letter {text[strange]!r}, which is not allowed", allowed=_ALLOWED)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # 1and 2, which Python reads with a warning
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        # Python counts from 1, and says 0 for the end.
        _refuse(text, error.offset - 1 if error.offset else len(text), f"cannot be read: {error.msg}", allowed=_ALLOWED)
    except (ValueError, MemoryError, RecursionError, Warning) as error:
        raise ConfigError(f"the expression {_short(text)} cannot be read: {error}", allowed=_ALLOWED) from None


def _short(text: str) -> str:
    return repr(text if len(text) <= 200 else f"{text[:197]}...")


def _refuse(text: str, place: int, why: str, *, allowed: object = None, hint: str | None = None) -> NoReturn:
    """End with the expression and the place in it."""
    here = text[place : place + 12]
    at = f" at letter {place + 1} ({here!r})" if here else " at its end"
    raise ConfigError(f"the expression {_short(text)} {why}{at}", allowed=allowed, hint=hint)


def _names(node: ast.AST) -> Iterator[str]:
    """Names in the order of the text; the tree has passed :func:`_check`."""
    if isinstance(node, (ast.Name, ast.Attribute)):
        yield ast.unparse(node)
    elif isinstance(node, ast.Call):
        for argument in node.args:
            yield from _names(argument)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _names(child)


def _check(node: ast.expr, text: str) -> bool | None:
    """Refuse what is not allowed; True for a condition, False for numbers, None for a branch."""
    place = node.col_offset
    if isinstance(node, ast.Constant):
        return _check_number(node.value, text, place)
    if isinstance(node, (ast.Name, ast.Attribute)):
        name = ast.unparse(node)
        if not _NAME.fullmatch(name) or "__" in name:
            _refuse(text, place, "has what is not the name of a branch", allowed=_ALLOWED)
        return None
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        for side in (node.left, node.right):
            _check(side, text)
        return False
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        _check(node.operand, text)
        return False
    if isinstance(node, ast.Compare) and all(type(op) in _COMPARISONS for op in node.ops):
        for side in (node.left, *node.comparators):
            _check(side, text)
        return True
    joined = _joined(node)
    if joined is not None:
        for side in joined:
            if _check(side, text) is False:
                _need_condition(text, side)
        return True
    if isinstance(node, ast.Call):
        return _check_call(node, text)
    _refuse(text, place, "has what is not allowed", allowed=_ALLOWED)


def _check_number(value: object, text: str, place: int) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        _refuse(text, place, "has a constant that is no number", allowed=_ALLOWED)
    try:
        usable = math.isfinite(float(value))
    except OverflowError:
        usable = False
    if not usable:
        _refuse(text, place, "has a number that is too large")
    return False


def _joined(node: ast.expr) -> list[ast.expr] | None:
    """What and, or, not, &, |, ~ join; None for anything else."""
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.BinOp) and type(node.op) in _LOGIC:
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.Invert)):
        return [node.operand]
    return None


def _need_condition(text: str, node: ast.expr) -> NoReturn:
    _refuse(
        text,
        node.col_offset,
        "has a number where a condition is needed",
        hint="compare it, as in x > 0; comparisons joined by & and | stand in parentheses of their own",
    )


def _check_call(node: ast.Call, text: str) -> bool | None:
    place = node.col_offset
    name = node.func.id if isinstance(node.func, ast.Name) else None
    function = FUNCTIONS.get(name or "")
    if function is None:
        _refuse(text, place, "calls what is not one of its functions", allowed=sorted(FUNCTIONS))
    if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
        _refuse(text, place, f"calls {name} with more than plain arguments", allowed=function.usage)
    most = function.most if function.most is not None else math.inf
    if not function.fewest <= len(node.args) <= most:
        _refuse(text, place, f"calls {name} with {len(node.args)} argument(s)", allowed=function.usage)
    kinds = [_check(argument, text) for argument in node.args]
    for position in function.conditions:
        if kinds[position] is False:
            _need_condition(text, node.args[position])
    return function.gives_condition


def _evaluate(node: ast.expr, look_up: Callable[[str], Column], text: str) -> Column:
    def value(part: ast.expr) -> Column:
        return _evaluate(part, look_up, text)

    def joined(function: Callable[..., Any], *parts: Column) -> Column:
        return _apply(function, parts, text, node.col_offset)

    if isinstance(node, ast.Constant):
        return Column(np.float64(float(node.value)))  # type: ignore[arg-type]  # a number, which the check has seen
    if isinstance(node, (ast.Name, ast.Attribute)):
        return look_up(ast.unparse(node))
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        return joined(_ARITHMETIC[type(node.op)], value(node.left).numbers(), value(node.right).numbers())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        return joined(np.negative if isinstance(node.op, ast.USub) else np.positive, value(node.operand).numbers())
    if isinstance(node, ast.Compare):
        sides = [value(side).numbers() for side in (node.left, *node.comparators)]
        steps = [
            joined(_COMPARISONS[type(op)], left, right)
            for op, left, right in zip(node.ops, sides[:-1], sides[1:], strict=True)
        ]
        return reduce(lambda one, other: joined(np.logical_and, one, other), steps)
    parts = _joined(node)
    if parts is not None:
        columns = [_condition(part, value(part), text) for part in parts]
        if isinstance(node, ast.UnaryOp):
            return joined(np.logical_not, *columns)
        operator = _LOGIC[type(node.op)]  # type: ignore[attr-defined]  # both kinds of node have one
        return reduce(lambda one, other: joined(operator, one, other), columns)
    return _call(node, value, text)  # type: ignore[arg-type]  # nothing else passed the check


def _condition(node: ast.expr, column: Column, text: str) -> Column:
    if column.values.dtype != np.bool_:
        _need_condition(text, node)
    return column


def _call(node: ast.Call, value: Callable[[ast.expr], Column], text: str) -> Column:
    name = node.func.id  # type: ignore[attr-defined]  # a name, which the check has seen
    function = FUNCTIONS[name]
    columns = []
    for position, argument in enumerate(node.args):
        column = value(argument)
        columns.append(_condition(argument, column, text) if position in function.conditions else column.numbers())
    if function.reduces is not None and len(columns) == 1:
        if columns[0].counts is None:
            _refuse(
                text,
                node.args[0].col_offset,
                f"has one value for each event where {name} goes over the objects of an event",
                hint="leave it out, or give it a branch of a collection",
            )
        return function.reduces(columns[0])
    return _apply(function.elementwise, columns, text, node.col_offset)


def _apply(function: Callable[..., Any], columns: Collection[Column], text: str, place: int) -> Column:
    """Call a function on columns that are brought to one length."""
    objects = {column.owner: column.counts for column in columns if column.counts is not None}
    if len(objects) > 1:
        _refuse(
            text,
            place,
            f"joins objects of {' and '.join(map(str, objects))}",
            hint="make one value for each event of one of them, by max(...), sum(...) or any(...)",
        )
    owner, counts = next(iter(objects.items()), (None, None))
    arrays: list[NDArray[Any]] = [column.spread(counts) for column in columns]
    return Column(np.asarray(function(*arrays)), owner, counts)
