//! Paths of request lines: what they name lies below the root of a tree, has one spelling, and one address on disk.

#![no_main]

use std::path::Component;

use libfuzzer_sys::fuzz_target;
use rackgen::plan::key::PublicKey;
use rackgen::plan::url::LifecycleUrl;

fuzz_target!(|raw: &str| {
    match PublicKey::parse(raw) {
        Ok(key) => is_sound(&key),
        Err(fault) => assert!(matches!(fault.code.status(), 400 | 404), "{fault}"),
    }
    LifecycleUrl::allowed(raw);
    if let Some(Ok(url)) = LifecycleUrl::parse(raw) {
        is_sound(&PublicKey::Latest(url.item().clone()));
    }
});

fn is_sound(key: &PublicKey) {
    let url = key.to_string();
    assert_eq!(PublicKey::parse(&url).as_ref(), Ok(key));
    let escaped = url.replace('@', "%40").replace('+', "%2B");
    assert_eq!(PublicKey::parse(&escaped).as_ref(), Ok(key));
    let path = key.disk_path();
    let is_normal = |part| matches!(part, Component::Normal(_));
    assert!(path.components().all(is_normal), "{}", path.display());
    assert_eq!(PublicKey::from_disk_path(&path).as_ref(), Some(key));
}
