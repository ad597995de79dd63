//! Problems as GitHub Actions takes them: workflow commands, which a run shows at their lines of a pull request.
//!
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use std::fmt;

use super::from_here;
use crate::report::{Problem, Severity};

/// `::error file=…,line=…::message`
pub(super) struct Annotation<'a>(pub(super) &'a Problem);

impl fmt::Display for Annotation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = self.0;
        let command = match problem.severity {
            Severity::Warning => "warning",
            Severity::Refused => "error",
        };
        let file = from_here(&problem.path).to_string_lossy();
        write!(f, "::{command} file={}", escape_property(&file))?;
        if let Some(place) = problem.place {
            let line = place.line;
            write!(f, ",line={line},endLine={line}")?;
            write!(f, ",col={},endColumn={}", place.column, place.end_column)?;
        }
        if let Some(code) = problem.code {
            write!(f, ",title={}", escape_property(code.as_str()))?;
        }
        write!(f, "::{}", escape(&problem.explanation()))
    }
}

fn escape(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// In a property, its end and that of all properties besides.
fn escape_property(text: &str) -> String {
    escape(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_code::ErrorCode;
    use crate::report::{Place, Suggestion};

    #[test]
    fn an_annotation_is_one_line_whatever_is_in_it() {
        let problem = Problem {
            place: Some(Place {
                line: 3,
                column: 5,
                end_column: 9,
            }),
            suggestion: Some(Box::new(Suggestion::ReplaceWith("files".into()))),
            ..Problem::refused("./a,b:c/100%\n.json", "50% is: one, two\r\nlines")
                .with_code(ErrorCode::SchemaValidationFailed)
        };
        assert_eq!(
            Annotation(&problem).to_string(),
            "::error file=a%2Cb%3Ac/100%25%0A.json,line=3,endLine=3,col=5,endColumn=9,\
             title=SCHEMA_VALIDATION_FAILED::50%25 is: one, two%0D%0Alines; did you mean `files`?"
        );
        let warning = Problem::warning("a", "b");
        assert_eq!(Annotation(&warning).to_string(), "::warning file=a::b");
    }
}
