"""Single-turn problems from real functions and their documentation, graded by tests that were agreed on.

A function of a project loses its body; signature and documentation are the problem. Calls of it are
proposed (its documentation's examples, its uses in the project, variations of both, a model's ideas) and
carried out on the original and on solutions that a model wrote without seeing it. A call becomes a test
where most of them give the same (§4.2.3 of the report).
"""

from journeyman.tasks.functions.config import FunctionsConfig
from journeyman.tasks.functions.make import make_function_tasks

__all__ = ["FunctionsConfig", "make_function_tasks"]
