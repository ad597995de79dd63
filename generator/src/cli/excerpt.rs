//! What a check found, as a person sees it: each problem under the line that it is about. Nothing is decided here.

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use terminal_size::{Width, terminal_size_of};

use super::print_problems;
use crate::check::{Findings, ReadDocument};
use crate::model::Words;
use crate::report::{Problem, Severity};

/// Problems that have an excerpt; whoever has more sees from the lines what they have in common.
const EXCERPTS_MAX: usize = 100;

/// Columns where there is no terminal to ask: a log that people read in a browser.
const WIDTH: usize = 120;

/// Prints all problems where errors go.
pub(super) fn print(findings: &Findings) {
    let width = terminal_size_of(std::io::stderr());
    let width = width.map_or(WIDTH, |(Width(columns), _)| columns.into());
    let renderer = Renderer::styled().term_width(width);
    let (shown, rest) = findings
        .problems
        .split_at(findings.problems.len().min(EXCERPTS_MAX));
    for problem in shown {
        let document = findings.document.as_ref();
        let excerpt = excerpt(problem, document, &renderer);
        anstream::eprintln!("{excerpt}\n");
    }
    print_problems(rest);
}

/// A problem as `rustc` shows them.
fn excerpt(problem: &Problem, document: Option<&ReadDocument>, renderer: &Renderer) -> String {
    let level = match problem.severity {
        Severity::Warning => Level::WARNING,
        Severity::Refused => Level::ERROR,
    };
    let mut title = level.primary_title(&problem.message);
    if let Some(code) = problem.code {
        title = title.id(code.as_str());
    }
    let path = Words(&problem.path.display().to_string()).to_string();
    let document = document.filter(|document| document.path == problem.path);
    let help = problem.help().map(|help| Level::HELP.message(help));
    let report = match (document, problem.place) {
        (Some(document), Some(place)) => {
            let line = document.text.lines().nth(place.line - 1);
            let line = line.unwrap_or_default();
            let hint = problem
                .meant()
                .map(|word| format!("did you mean `{word}`?"));
            let span = byte_of(line, place.column)..byte_of(line, place.end_column);
            let mark = AnnotationKind::Primary.span(span).label(hint);
            let line = Snippet::source(line).line_start(place.line).path(path);
            title.element(line.annotation(mark))
        }
        _ => title.element(Origin::path(path)),
    };
    renderer.render(&[report.elements(help)])
}

/// Where a column begins.
fn byte_of(line: &str, column: usize) -> usize {
    line.char_indices()
        .nth(column.saturating_sub(1))
        .map_or(line.len(), |(at, _)| at)
}
