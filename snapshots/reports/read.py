"""Reads reports as CI systems do.

    read.py SCHEMA_FOLDER REPORT_FOLDER

The rendered pages are written to the folder of the reports, for a browser.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path

import cmarkgfm
import xmlschema
from junitparser import JUnitXml

here, work = map(Path, sys.argv[1:])
snapshots = here.parent / "src/output/snapshots"

# Elements of a page. Anything else, such as a link, an image or a script, is from a service.
ELEMENTS = {"h2", "p", "ul", "li", "strong", "code", "details", "summary"}
ELEMENTS |= {"table", "thead", "tbody", "tr", "th", "td"}


def documents(kind, report):
    """Returns the reports in the snapshot of a test, and that of a check."""
    (file,) = snapshots.glob(f"*{kind}*.snap")
    content = file.read_text().split("---\n", 2)[2]
    parts = [part.partition("\n") for part in content.split("=== ")[1:]]
    all = {name: document for name, _, document in parts}
    assert {"passing", "failing", "malicious"} <= all.keys(), all.keys()
    return all | {"check": (work / report).read_text()}


class Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.names = set()

    def handle_starttag(self, tag, attributes):
        self.names.add(tag)
        assert {name for name, _ in attributes} <= {"open", "align"}, (tag, attributes)


def count(cases, kind):
    return sum(any(type(result).__name__ == kind for result in case.result) for case in cases)


schema = xmlschema.XMLSchema11(here / "junit.xsd")
junit = documents("test_case", "contract.xml")
for name, xml in junit.items():
    schema.validate(xml)
    report = JUnitXml.fromstring(xml.encode())
    cases = [case for suite in report for case in suite]
    sums = len(cases), count(cases, "Failure"), count(cases, "Error")
    assert (report.tests, report.failures, report.errors) == sums, f"{name}: the sums are wrong"
    has_failed = report.failures + report.errors > 0
    assert has_failed == (name not in ("passing", "harmless", "check")), f"{name}: the verdict is wrong"
for right, wrong in ((' classname="', ' class="'), (' time="', ' time="-'), ("skipped", "ignored")):
    assert not schema.is_valid(junit["harmless"].replace(right, wrong)), f"the schema allows {wrong}"

of_load_tests = sorted((here.parent.parent / "loadtest/src/output/snapshots").glob("*junit_*.snap"))
assert of_load_tests, "there are no reports of load tests"
for file in of_load_tests:
    schema.validate(file.read_text().split("---\n", 2)[2])

pages = documents("page_of_a_job", "contract.md")
for name, page in pages.items():
    html = cmarkgfm.github_flavored_markdown_to_html(page, cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE)
    elements = Elements()
    elements.feed(html)
    assert elements.names <= ELEMENTS, f"{name}: {elements.names - ELEMENTS}"
    (work / f"{name}.html").write_text(f'<!doctype html><meta charset="utf-8">\n{html}')

print(f"reports: {len(junit)} of JUnit are valid and have the right sums, {len(pages)} pages have no foreign element")
print(f"reports: {len(of_load_tests)} of load tests are valid")
