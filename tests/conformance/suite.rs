//! Runs cases against a server and remembers all that fail.

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use rack_tests::http::{Request, Response};
use rack_tests::proved;
use rack_tests::random::Random;
use rack_tests::release::Release;

use crate::expect::Expect;
use crate::invariants;
use crate::pass::{Pass, can_be_repeated, disagreement};

/// The server under test.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// `http://host:port`
    pub(crate) url: String,
    /// Its admin token.
    pub(crate) admin: String,
    /// A source tree like the one that it serves.
    pub(crate) source: PathBuf,
    /// Who answers there.
    pub(crate) pass: Pass,
    /// A server with the same trees, that is to give the same answers.
    pub(crate) twin: Option<String>,
}

/// The problem, if there is one.
pub(crate) fn unless(fine: bool, problem: impl FnOnce() -> String) -> Vec<String> {
    match fine {
        true => Vec::new(),
        false => vec![problem()],
    }
}

/// The run.
pub(crate) struct Suite {
    target: Target,
    filters: Vec<String>,
    ran: usize,
    failed: Vec<(String, Vec<String>)>,
    /// Different in every run, so that a server can be asked again.
    run: u64,
    fresh: usize,
    pub(crate) random: Random,
}

impl Suite {
    /// Arguments that are no flags choose cases by a part of their name.
    pub(crate) fn new(target: Target) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            target,
            filters: env::args()
                .skip(1)
                .filter(|arg| !arg.starts_with('-'))
                .collect(),
            ran: 0,
            failed: Vec::new(),
            run: since.map_or(0, |since| since.as_secs()),
            fresh: 0,
            random: Random::announced("conformance"),
        }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Runs one case on another server for a while.
    pub(crate) fn on<T>(&mut self, target: Target, run: impl FnOnce(&mut Self) -> T) -> T {
        let usual = std::mem::replace(&mut self.target, target);
        let result = run(self);
        self.target = usual;
        result
    }

    /// A case: sends the request and holds the answer against the expectation and against what holds always.
    /// Returns the answer, unless there was none or the case was not chosen.
    pub(crate) fn ask(
        &mut self,
        name: &str,
        request: &Request,
        expect: &Expect,
    ) -> Option<Response> {
        let mut answer = None;
        let expect = self.target.pass.expect(request, expect);
        self.check(name, |target| {
            let response = request.send(&target.url)?;
            let mut problems = expect.problems(&response, request, target);
            problems.extend(invariants::problems(&response, request, target));
            answer = Some(response);
            Ok(problems)
        });
        if let Some(answer) = &answer {
            self.agree(name, request, answer);
        }
        answer
    }

    /// Asks the twin the same, also by HEAD.
    fn agree(&mut self, name: &str, request: &Request, answer: &Response) {
        let Some(twin) = self.target.twin.clone() else {
            return;
        };
        if !can_be_repeated(request, answer) {
            return;
        }
        self.check(&format!("{name}, agreement"), |_| {
            Ok(disagreement(&request.send(&twin)?, answer))
        });
        if request.method == "GET" {
            let mut request = request.clone();
            request.method = "HEAD".to_owned();
            self.check(&format!("{name}, agreement by HEAD"), |target| {
                let (embedded, nginx) = (request.send(&twin)?, request.send(&target.url)?);
                Ok(disagreement(&embedded, &nginx))
            });
        }
    }

    /// A case of any other form, which lists what is wrong.
    pub(crate) fn check(
        &mut self,
        name: &str,
        case: impl FnOnce(&Target) -> io::Result<Vec<String>>,
    ) {
        let name = format!("{}{name}", self.target.pass.label());
        let chosen = |filter: &String| name.contains(&filter[..]);
        if !self.filters.is_empty() && !self.filters.iter().any(chosen) {
            return;
        }
        self.ran += 1;
        let problems =
            case(&self.target).unwrap_or_else(|fault| vec![format!("no answer: {fault}")]);
        if !problems.is_empty() {
            self.failed.push((name, problems));
        }
    }

    /// Version 1.0.0 of an item that nobody has seen yet, with one file.
    pub(crate) fn fresh(&mut self, namespace: &str) -> Release {
        let notes = "# Notes\n".repeat(40);
        self.bare(namespace).file("templates/notes.md", notes)
    }

    /// The same without a file.
    pub(crate) fn bare(&mut self, namespace: &str) -> Release {
        self.fresh += 1;
        let name = format!("p{}-{}", self.run, self.fresh);
        Release::new(namespace, &name, "1.0.0")
    }

    /// Prints what failed and, at the end, how many cases ran.
    pub(crate) fn report(self) -> ExitCode {
        for (name, problems) in &self.failed {
            println!("FAILED {name}");
            for problem in problems {
                println!("    {problem}");
            }
        }
        println!(
            "conformance: {} cases ran, {} failed",
            self.ran,
            self.failed.len()
        );
        if self.failed.is_empty() {
            proved("every row of the protocol", format!("{} cases", self.ran));
        }
        match self.failed.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }
}
