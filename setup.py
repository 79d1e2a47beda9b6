"""The one thing that setup.cfg cannot say: three folders at the top level are packages below rs3l_gnn."""

from setuptools import find_packages, setup

TOP_LEVEL = ("processors", "benchmarks", "configs")

setup(
    packages=[
        *find_packages(include=["rs3l_gnn", "rs3l_gnn.*"]),
        *(f"rs3l_gnn.{name}" for name in TOP_LEVEL),
        *(f"rs3l_gnn.{name}.{inner}" for name in TOP_LEVEL for inner in find_packages(name)),
    ],
    package_dir={f"rs3l_gnn.{name}": name for name in TOP_LEVEL},
)
