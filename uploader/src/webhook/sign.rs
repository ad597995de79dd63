//! What a receiver can tell by that a delivery is ours: the headers that receivers of the server that we replace check
//! (protocol.md, "Webhooks"), and those of Standard Webhooks 1.0.0.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use rackgen::webhook::{Delivery, Endpoint};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use ring::hmac::{HMAC_SHA256, Key, sign};
use serde_json::Value;

/// The headers of a delivery with this body that is sent now.
pub(super) fn headers(
    endpoint: &Endpoint,
    delivery: &Delivery,
    body: &[u8],
    now: Timestamp,
) -> HeaderMap {
    let (id, seconds) = (delivery.id.as_str(), now.as_second().to_string());
    let signed = [id.as_bytes(), seconds.as_bytes(), body].join(&b'.');
    let signatures = endpoint
        .secrets()
        .iter()
        .map(|secret| format!("v1,{}", BASE64_STANDARD.encode(mac(secret.key(), &signed))));
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: &str| {
        // An event's time comes from a file. Without it all else can be told.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("x-webhook-event", delivery.event.as_str());
    put("x-webhook-delivery", id);
    put(
        "x-webhook-timestamp",
        delivery
            .body
            .get("timestamp")
            .and_then(Value::as_str)
            .unwrap_or_default(),
    );
    // Who checks this one knows one secret: the current one.
    if let Some(secret) = endpoint.secrets().first() {
        let mac = hex::encode(mac(secret.text(), body));
        put("x-webhook-signature", &format!("sha256={mac}"));
    }
    put("webhook-id", id);
    put("webhook-timestamp", &seconds);
    put(
        "webhook-signature",
        &signatures.collect::<Vec<_>>().join(" "),
    );
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

fn mac(key: &[u8], bytes: &[u8]) -> impl AsRef<[u8]> {
    sign(&Key::new(HMAC_SHA256, key), bytes)
}
