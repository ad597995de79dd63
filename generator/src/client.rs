//! What every request of ours to another registry has in common. What is asked, and what an answer means, is for
//! whoever asks.

use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

/// An agent to be built: it follows no redirect, so that a token stays where it was sent, and takes every status for
/// an answer.
pub fn config() -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(concat!("rackgen/", env!("CARGO_PKG_VERSION")))
}
