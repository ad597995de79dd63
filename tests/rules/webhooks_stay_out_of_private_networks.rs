//! Unless an admin allows it by the one key that the message names, no delivery goes to an address of a private network:
//! neither one that stands in a URL, nor one that a name is found to have, nor by way of a proxy.

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::random::Random;
use rack_tests::receiver::Receiver;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::wait;
use serde_json::{Value, json};

const ALLOWS: &str = "allow_private = true";

#[test]
fn an_address_in_a_url_is_refused() {
    let registry = Registry::new(&json!({ "@open": [] }));
    let receiver = Receiver::willing();
    registry.write_webhooks(&[receiver.entry("s", &["uploaded"])]);
    registry.write_config("[webhook]\nretry_after = []\n");
    let run = registry.rackd().refuse().exits(2);
    assert!(run.names(&["webhooks.json", "127.0.0.1", ALLOWS]), "{run}");
}

#[test]
fn the_address_of_a_name_is_refused_also_through_a_proxy() {
    let mut random = Random::announced("the_address_of_a_name_is_refused_also_through_a_proxy");
    let (receiver, proxy) = (Receiver::willing(), Receiver::willing());
    let through = proxy.url();
    let registry = Registry::new(&json!({ "@open": [] }))
        .setting("HTTP_PROXY", &through)
        .setting("http_proxy", &through)
        .setting("ALL_PROXY", &through);
    let mut entry = receiver.entry("s", &["uploaded"]);
    entry["url"] = json!(receiver.url().replace("127.0.0.1", "localhost"));
    registry.write_webhooks(&[entry]);
    registry.write_config("[webhook]\nretry_after = []\n");
    let daemon = registry.rackd().start();
    let publish = |version: &str, random: &mut Random| {
        let release = Release::new("@open", "item", version);
        let answer = daemon.publish(&release, ADMIN_TOKEN, random);
        assert_eq!(answer.status, 201, "{}", answer.json());
    };
    publish("1.0.0", &mut random);
    let delivery = wait::until("the end of the delivery", wait::LONG, || {
        let run = registry.rackgen(&["webhooks", "deliveries", "--format", "json"]);
        let document: Value = serde_json::from_str(&run.exits(0).stdout).expect("JSON");
        let delivery = document["deliveries"][0].clone();
        (delivery["standing"] == "dead").then_some(delivery)
    });
    let fault = delivery["attempts"][0]["fault"].as_str().expect("a fault");
    assert!(fault.contains(ALLOWS), "{fault}");
    assert!(receiver.received().is_empty() && proxy.received().is_empty());
}
