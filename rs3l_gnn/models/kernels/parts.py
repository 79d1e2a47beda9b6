"""Parts of the kernels, each compiled by itself and called by its name.

What one function of numba's calls becomes a piece of it: it is optimised once alone and once more in each caller, and
the caller cannot be compiled before it. A part is compiled once, by whichever process comes first, and its callers know
its name alone, which LLVM is given before any code of theirs is loaded.

numba does not promise the names that this is made of. Where one is missing, parts are functions like others: a first
score takes longer.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import binding as llvm  # type: ignore[import-untyped]  # no type information in the package
from numba.core import errors

from rs3l_gnn.models.kernels.compiled import compiled
from rs3l_gnn.models.kernels.simd import cgutils, intrinsic, types

__all__ = ["Part", "calling_parts", "part", "parts", "real_of"]

_log = logging.getLogger(__name__)
Function = Callable[..., Any]


def _numba_is_known() -> bool:
    """Whether numba has what is asked for below."""
    try:
        from numba.core import callconv, codegen, funcdesc

        _ = callconv.CPUCallConv.get_function_type, callconv.CPUCallConv.call_function
        _ = codegen.JITCodeLibrary.get_pointer_to_function, funcdesc.FunctionDescriptor.llvm_func_name
    except (ImportError, AttributeError) as error:
        _log.warning(
            "numba %s has other names than the ones known here (%s): where nothing is compiled yet, the first score "
            "takes a second longer",
            numba.__version__,
            error,
        )
        return False
    return True


class Part:
    """A function that is compiled by itself.

    Args:
        function: as it is in Python.
        signature: types of its result and arguments, as :func:`part` takes them.

    Attributes:
        name: that LLVM knows it by, but for the kind of numbers.
        dispatcher: numba's, which Python cannot call.
    """

    def __init__(self, function: Function, signature: Function) -> None:
        self._signature = signature
        # Callers that were compiled for other types must not find it.
        types_of = hashlib.sha256(str(self.signature("float32")).encode()).hexdigest()[:8]
        self.name = f"{function.__module__}.{function.__name__}.{types_of}"
        self._linked: set[str] = set()
        self.dispatcher: Any = compiled(function, no_cpython_wrapper=True)

    def signature(self, kind: str) -> Any:
        """Types of the result and the arguments, for a kind of numbers."""
        return self._signature(getattr(types, real_of(kind)), types.int64, getattr(types, kind))

    def compile(self, kind: str) -> Any:
        """Compile it or load it; what numba knows of it then."""
        signature = self.signature(kind)
        self.dispatcher.compile(signature)
        return self.dispatcher.overloads[signature.args]

    def link(self, kind: str) -> str:
        """Compile it, or load it, and give LLVM its name, which is the result."""
        kind = self._own(kind)
        if kind not in self._linked:
            made = self.compile(kind)
            self._name_it(kind, made.library.get_pointer_to_function(made.fndesc.llvm_func_name))
        return self._symbol(kind)

    def pretend(self, kind: str) -> None:
        """Give LLVM its name without its code, for callers that are compiled in this process and never called."""
        self._name_it(self._own(kind), 1)

    def _own(self, kind: str) -> str:
        """A part that takes no particles is that of its real numbers."""
        real = real_of(kind)
        return real if self.signature(kind) == self.signature(real) else kind

    def _symbol(self, kind: str) -> str:
        return f"{self.name}.{kind}"

    def _name_it(self, kind: str, where: int) -> None:
        llvm.add_symbol(self._symbol(kind), where)
        self._linked.add(kind)


def real_of(kind: str) -> str:
    """Type of the real numbers beside particles of a kind.

    Args:
        kind: what particles are made of: float32, float64, or int32, each a pair of int16
            (:mod:`rs3l_gnn.models.kernels.fixed_point`).
    """
    return "float32" if kind == "int32" else kind


_known = _numba_is_known()
parts: list[Part] = []
"""All of them, as far as their modules are imported."""


def part(signature: Function) -> Callable[[Function], Any]:
    """Make a function a part, to be called from compiled code.

    Args:
        signature: types of the result and the arguments, of the types of real numbers, whole numbers and the numbers in
            the first one, an array, whose kind this is (:func:`real_of`).

    Returns:
        What compiled code calls; its attribute ``part`` is the :class:`Part`.
    """

    def decorate(function: Function) -> Any:
        if not _known:
            return compiled(function)
        own = Part(function, signature)
        parts.append(own)

        def call(_typing: Any, *given: Any) -> tuple[Any, Function]:
            numbers = str(given[0].dtype)
            found = own.signature(numbers)
            for one, wanted in zip(given, found.args, strict=True):
                if isinstance(wanted, types.Array) and one != wanted:
                    raise errors.TypingError(f"{function.__name__} takes {wanted}, got {one}")

            def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
                kind = context.call_conv.get_function_type(signature.return_type, signature.args)
                callee = cgutils.get_or_insert_function(builder.module, kind, own.link(numbers))
                return context.call_conv.call_function(builder, callee, signature.return_type, signature.args, args)[1]

            return found, generate

        # numba goes by the names of the arguments.
        arguments = inspect.signature(function).parameters.values()
        typing = inspect.Parameter("_typing", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        call.__signature__ = inspect.Signature([typing, *arguments])  # type: ignore[attr-defined]  # inspect's protocol
        call.__name__, call.__doc__ = function.__name__, function.__doc__
        found = intrinsic(call)
        found.part = own
        return found

    return decorate


def calling_parts(function: Function) -> Any:
    """Compile a function that calls parts and takes an array of their numbers first, at its first call."""
    known = (getattr(function.__globals__.get(name), "part", None) for name in function.__code__.co_names)
    called = [one for one in known if isinstance(one, Part)]

    def link(arguments: tuple[Any, ...]) -> None:
        for one in called:
            one.link(str(arguments[0].dtype))

    if not called:
        return compiled(function)
    # Code that calls other names would end the process when it is loaded.
    function.needs = [" ".join(one.name for one in called)]  # type: ignore[attr-defined]  # for what is kept of it
    return compiled(function, before=link)
