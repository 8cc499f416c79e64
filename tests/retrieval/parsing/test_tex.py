"""TeX: sections, lists, tables, code, formulas and the file's own commands."""

from retrieval.documents import Document
from retrieval.parsing.tex import parse_tex


def parse(source: str) -> Document:
    return parse_tex("a.tex", source.encode(), max_characters=1_000_000)


def test_a_paper() -> None:
    document = parse(
        r"""\documentclass{article} % class
\newcommand{\pump}{Pump \version}
\def\version{X9}
\title{The \emph{Pump}}
\begin{document}
\maketitle
\section*{Use \& care}\label{s}
Caf\'e costs 5\% more---\textbf{really}. ``Quoted''~text, $x^2 < 3$ and \cite[p.~3]{knuth}; see~\ref{s}. \pump{} leaks.

\begin{itemize}
\item one
\item[Valve] closes
  \begin{enumerate}
  \item inner
  \end{enumerate}
\end{itemize}
\begin{table}[h]\caption{Prices}
\begin{tabular}{l|r}
\hline Part & Price \\ \hline
Pump & 42 \\
Valve & 7
\end{tabular}\end{table}
\begin{verbatim}
x = 1 % kept
\end{verbatim}
\begin{equation} E = mc^2 \label{e} \end{equation}
\subsection{Last}
\unknown{kept} {\large words} % gone
\end{document}
never shown"""
    )
    assert document.title == "The Pump"
    assert document.text == (
        "The Pump\n\nUse & care\n\n"
        "Café costs 5% more—really. “Quoted” text, $x^2 < 3$ and [knuth]; see s. Pump X9 leaks.\n\n"
        "- one\n- Valve: closes\n  1. inner\n\nPrices\n\nPart: Pump; Price: 42\nPart: Valve; Price: 7\n\n"
        "```\nx = 1 % kept\n```\n\n$$ E = mc^2 $$\n\nLast\n\nkept words"
    )
    assert [(h.level, h.text) for h in document.headings] == [(1, "The Pump"), (2, "Use & care"), (3, "Last")]
    assert all(document.text.startswith(h.text, h.start) for h in document.headings)


def test_what_is_malformed_still_gives_its_text() -> None:
    assert "open" in parse(r"\section{open \begin{tabular}{l} x & y").text
    assert "brace" in parse(r"} a brace \textbf{too many").text
    assert "word" in parse(r"\begin{equation} word").text


def test_commands_that_define_one_another_end() -> None:
    assert parse(r"\newcommand{\aa}{\bb\bb}\newcommand{\bb}{\aa\aa}\aa word").text.endswith("word")


def test_many_braces_take_no_time() -> None:
    assert "x" in parse("{" * 20_000 + "x" + "\\section{" * 2_000).text
