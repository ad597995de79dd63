//! What the daemon tells the audit log, and what becomes of requests while it cannot.
//!
//! A publish has its line in its intent, so that none is lost ([`crate::publish`]); a yank or a tag has it before its
//! event ([`rackgen::lifecycle`]). Refusals are noted here, after the fact.

use actix_web::HttpRequest;
use rackgen::access::Access;
use rackgen::audit::{Action, Attempt, Line, Subject};
use rackgen::error::Error;
use rackgen::error_code::ErrorCode;
use rackgen::model::Audience;

use crate::answer::Refusal;
use crate::app::{App, Check};

impl App {
    /// What a request tries, before anybody knows more of it.
    pub(crate) fn attempt(&self, request: &HttpRequest, id: &str, action: Action) -> Attempt {
        Attempt {
            request_id: Some(id.to_owned()),
            client: Some(self.client(request)),
            ..Attempt::of(action)
        }
    }

    /// Whether what is about to be done can be noted; asked before the point of no return.
    ///
    /// # Errors
    /// It cannot: `UNAVAILABLE`, or `STORAGE_FULL`.
    pub(crate) fn require_audit(&self) -> Result<(), Refusal> {
        self.noted(self.registry.audit().check())
    }

    /// Notes what happened, for good: whoever is told of it afterwards is told of what has its line.
    ///
    /// # Errors
    /// It cannot be noted: `UNAVAILABLE`, or `STORAGE_FULL`.
    pub(crate) fn tell_durably(&self, line: &Line) -> Result<(), Refusal> {
        self.noted(self.registry.audit().append_durably(line))
    }

    fn noted(&self, outcome: Result<(), Error>) -> Result<(), Refusal> {
        self.remember(&outcome);
        outcome.map_err(|error| match error.code() {
            ErrorCode::StorageFull => error.into(),
            _ => Refusal::new(
                ErrorCode::Unavailable,
                "the registry cannot write its audit log, so it takes no changes; its own log says why",
            ),
        })
    }

    /// Notes what happened; says whether that stands in the log now. If not, `/health` says so.
    pub(crate) fn tell(&self, lines: &[Line]) -> bool {
        let told = self.registry.audit().append(lines);
        self.remember(&told);
        told.is_ok()
    }

    /// Notes a refusal. Of those who ask too often there is no line, or they could push out all others: the log has
    /// only so much room.
    pub(crate) fn tell_refusal(&self, attempt: Attempt, refusal: &Refusal) {
        if refusal.code != ErrorCode::RateLimitExceeded {
            self.tell(&[attempt.refused(refusal.code, refusal.message())]);
        }
    }

    /// Notes that somebody was not let in to read what needs a token.
    pub(crate) fn tell_refused_read(
        &self,
        request: &HttpRequest,
        id: &str,
        access: &Access,
        subject: Subject,
        refusal: &Refusal,
    ) {
        let namespace = subject.namespace();
        if access.audience(namespace) != Some(Audience::Private) {
            return;
        }
        let caller = self.caller(access, request.headers()).ok().flatten();
        let attempt = Attempt {
            by: caller.map(|caller| caller.by(Some(namespace))),
            item: Some(subject),
            ..self.attempt(request, id, Action::Read)
        };
        self.tell_refusal(attempt, refusal);
    }

    fn remember<T>(&self, outcome: &Result<T, Error>) {
        let error = outcome.as_ref().err();
        self.note(Check::Audit, error.map(ToString::to_string));
        if let Some(error) = error {
            self.end_if_broken(error);
        }
    }
}
