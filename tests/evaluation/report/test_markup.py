"""HTML from Python."""

from rs3l_gnn.evaluation.report.markup import Markup, joined, table, tag


def test_text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", 'a < b & "c"', tag("b", "x")) == "<p>a &lt; b &amp; &quot;c&quot;<b>x</b></p>"
    assert tag("a", "go", href='"><script>', class_="k") == '<a href="&quot;&gt;&lt;script&gt;" class="k">go</a>'
    assert tag("meta", name="viewport", content="x") == '<meta name="viewport" content="x">'
    assert joined(["<", Markup("<br>")]) == "&lt;<br>"


def test_tables_name_their_rows_and_columns() -> None:
    page = table(("a", "b"), [("r<1", "2")], caption="c")
    assert '<caption>c</caption><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>' in page
    assert '<tbody><tr><th scope="row">r&lt;1</th><td>2</td></tr></tbody>' in page
