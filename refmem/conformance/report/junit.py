"""A run as JUnit XML, which build servers show."""

from xml.etree import ElementTree

from refmem.conformance.verdict import Run, Verdict

CHILD = {Verdict.FAIL: "failure", Verdict.XPASS: "failure", Verdict.ERROR: "error", Verdict.SKIP: "skipped",
         Verdict.XFAIL: "skipped"}


def junit(run: Run) -> str:
    """The XML of one test suite."""
    suite = ElementTree.Element("testsuite", name="refmem conform", tests=str(len(run.results)),
                                failures=str(run.count(Verdict.FAIL, Verdict.XPASS)),
                                errors=str(run.count(Verdict.ERROR)),
                                skipped=str(run.count(Verdict.SKIP, Verdict.XFAIL)))
    for result in run.results:
        group, _, name = result.case.id.partition("/")
        test = ElementTree.SubElement(suite, "testcase", classname=f"refmem.{group}", name=name,
                                      time=f"{result.seconds:.6f}")
        if result.verdict in CHILD:
            said = result.reason or result.verdict.value
            ElementTree.SubElement(test, CHILD[result.verdict], message=f"{result.case.rule}: {said}")
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"
