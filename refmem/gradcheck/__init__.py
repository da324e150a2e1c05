"""A gradient checker with four verdicts and an error bar."""

from refmem.gradcheck.check import check_problem, gradcheck
from refmem.gradcheck.problem import Problem, ProblemRefused, from_vjp
from refmem.gradcheck.report import GradientError, GradReport, Row
from refmem.gradcheck.verdicts import Verdict

__all__ = ["GradReport", "GradientError", "Problem", "ProblemRefused", "Row", "Verdict", "check_problem", "from_vjp",
           "gradcheck"]
