//! One attempt: a signed POST to where it may go, and what its answer means.

use std::error::Error as _;
use std::io;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rackgen::client::answer::retry_after;
use rackgen::error::{Error, Result};
use rackgen::webhook::address::Reach;
use rackgen::webhook::{Delivery, DeliverySettings, Endpoint, Try};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, retry};
use tokio::net::lookup_host;

use super::sign;

/// Bytes of an answer that are read, so that its connection can be used again. What it says is of no interest.
const ANSWER_READ: usize = 8 << 10;

/// Longer than this nobody waits because an endpoint asks for it.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// What an attempt came to.
pub(super) enum Verdict {
    /// It arrived.
    Delivered,
    /// It did not; the endpoint may ask to wait for so long at least.
    Failed(Option<Duration>),
    /// The endpoint wants to hear no more.
    Gone,
    /// It was not sent: nobody listens.
    Unheard,
}

/// Whoever makes attempts.
pub(super) struct Sender {
    client: Client,
    reach: Reach,
    timeout: Duration,
}

impl Sender {
    pub(super) fn new(settings: &DeliverySettings) -> Result<Self> {
        // Somebody was first: it was this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (reach, timeout) = (settings.reach, settings.timeout.duration());
        let client = builder(reach, timeout).build().or_else(|fault| {
            tracing::warn!(
                "webhooks: {}; deliveries to https:// will fail until it has some (`ca-certificates`)",
                innermost(&fault)
            );
            builder(reach, timeout).tls_certs_only([]).build()
        });
        Ok(Self {
            client: client.map_err(|fault| Error::refused("webhooks", innermost(&fault)))?,
            reach,
            timeout,
        })
    }

    /// Makes an attempt.
    pub(super) async fn send(&self, endpoint: &Endpoint, delivery: &Delivery) -> (Try, Verdict) {
        let (at, start) = (Timestamp::now(), Instant::now());
        let answer = self.post(endpoint, delivery, at).await;
        let ended = |status, fault| Try::ended(at, start.elapsed(), status, fault);
        let answer = match answer {
            Err(fault) => return (ended(None, Some(fault)), Verdict::Failed(None)),
            Ok(answer) => answer,
        };
        let status = answer.status();
        let wait = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|wait| retry_after(wait.to_str().ok()?, Timestamp::now()))
            .map(|wait| wait.min(LONGEST_WAIT));
        let attempt = ended(
            Some(status.as_u16()),
            match (status.as_u16(), status.is_redirection()) {
                (200..=299, _) => None,
                (410, _) => Some("it is gone, and wants to hear no more".to_owned()),
                (code, true) => Some(format!(
                    "it answered {code}, and redirects are not followed"
                )),
                (code, false) => Some(format!("it answered {code}")),
            },
        );
        let verdict = match status.as_u16() {
            200..=299 => Verdict::Delivered,
            410 => Verdict::Gone,
            _ => Verdict::Failed(wait),
        };
        read_some(answer).await;
        (attempt, verdict)
    }

    async fn post(
        &self,
        endpoint: &Endpoint,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Response, String> {
        self.reach.check_literal(&endpoint.url)?;
        let body = delivery.text();
        let request = self
            .client
            .post(endpoint.url.clone())
            .headers(sign::headers(endpoint, delivery, body.as_bytes(), now))
            .body(body);
        request
            .send()
            .await
            .map_err(|fault| match fault.is_timeout() {
                true => format!("no answer within {:?}", self.timeout),
                false => innermost(&fault),
            })
    }
}

fn builder(reach: Reach, timeout: Duration) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("rackd/", env!("CARGO_PKG_VERSION")))
        // A proxy would connect for us to where we would not.
        .no_proxy()
        .redirect(Policy::none())
        .retry(retry::never())
        .timeout(timeout)
        .dns_resolver(Resolver(reach))
}

/// The rest of an answer that has an end is short.
async fn read_some(mut answer: Response) {
    let mut room = ANSWER_READ;
    while let Ok(Some(chunk)) = answer.chunk().await {
        match room.checked_sub(chunk.len()) {
            Some(left) => room = left,
            None => break,
        }
    }
}

/// What a fault comes down to, without the URL that all around it have.
fn innermost(fault: &reqwest::Error) -> String {
    let mut cause = fault.source();
    while let Some(inner) = cause.and_then(|cause| cause.source()) {
        cause = Some(inner);
    }
    cause.map_or_else(
        || "the request cannot be made".to_owned(),
        ToString::to_string,
    )
}

/// Finds addresses of names, and gives those that may be connected to: they are what is connected to then.
struct Resolver(Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let (mut allowed, mut refused) = (Vec::new(), None);
            for address in lookup_host((name.as_str(), 0)).await? {
                match reach.check(address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            match (allowed.is_empty(), refused) {
                (true, Some(why)) => Err(io::Error::other(why).into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}
